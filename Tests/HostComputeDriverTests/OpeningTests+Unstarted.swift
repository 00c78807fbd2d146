import ContainerDriver
import ContainerModel
import Foundation
import Testing

@testable import HostComputeDriver
@testable import HostComputeEmulator

/// Containers that were never started, which are opened when a call needs them.
extension OpeningTests {
    /// Two that an earlier worker created, as this driver has taken them up: one is watched, the other is not open.
    private func takenUp(_ name: String = #function) throws -> (watched: ContainerID, other: ContainerID) {
        let ids = try [EmulatedHost.id(name), EmulatedHost.id(name)]
        try earlier { worker in
            for id in ids { _ = try worker.create(id, owner: Self.owner, start: false) }
        }
        #expect(try driver.enumerate().unstarted.isSuperset(of: ids))
        var known = KnownContainer()
        known.directory = "/tmp"
        try driver.takeUpUnstarted(ids.map { ($0, known) })
        let watched = try #require(driver.systems.withLock { $0.watched })
        return (watched, try #require(ids.first { $0 != watched }))
    }

    private func isOpen(_ id: ContainerID) -> Bool { driver.systems.withLock { $0[id] != nil } }

    private func discard(_ ids: ContainerID...) throws {
        for id in ids { try driver.discard(id) }
        #expect(try driver.enumerate().ids.allSatisfy { !ids.contains($0) })
    }

    @Test func oneThatWasTakenUpIsOpenedWhenItIsStarted() throws {
        let (watched, other) = try takenUp()
        #expect(isOpen(watched) && !isOpen(other))
        #expect(try driver.missingUnstarted() == [])
        let taken = #expect(throws: DriverFailure.self) { try driver.create(other, OCISpecification()) }
        #expect(taken?.code != .notFound)
        let started = try driver.start(other, EmulatedHost.shell("exit 3"), stdin: false, output: output)
        #expect(started.pid > 0 && isOpen(other))
        #expect(events.exit(other)?.code == 3)
        _ = try driver.shutDown(other)
        try discard(other, watched)
    }

    @Test func theServiceIsWatchedForThoseThatAreNotOpen() throws {
        let (watched, other) = try takenUp()
        try driver.discard(watched)
        // In its place the other one is watched.
        while driver.systems.withLock({ $0.watched }) != other { usleep(100) }
        RemoteEmulator.shared.withLock { $0 }?.disconnect()
        #expect(events.waitForDisconnect())
        #expect(try driver.open(other, []).state == .created)
        try discard(other)
    }

    @Test func oneThatEndsUnseenIsMissing() throws {
        let (watched, other) = try takenUp()
        try earlier { worker in
            let system = try worker.call(.openComputeSystem, 0, other.rawValue).handle
            try worker.call(.terminateComputeSystem, system)
            while try driver.enumerate().unstarted.contains(other) { usleep(100) }
        }
        #expect(try driver.missingUnstarted() == [other])
        let failure = #expect(throws: DriverFailure.self) { try driver.open(other, []) }
        #expect(failure?.code == .notFound)
        #expect(try driver.missingUnstarted() == [])
        try discard(watched)
    }

    @Test func whatIsNotThereIsNotTakenUp() throws {
        let id = try EmulatedHost.id()
        #expect(throws: DriverFailure.self) { try driver.takeUpUnstarted([(id, KnownContainer())]) }
        #expect(driver.systems.withLock { $0.unopened(id) } == nil)
    }

    /// Calls that come at the same time open it once.
    @Test func twoCallsOpenItOnce() throws {
        let (watched, other) = try takenUp()
        DispatchQueue.concurrentPerform(iterations: 8) { _ in _ = try? driver.statistics(other) }
        #expect(try driver.statistics(other).uptime == 0)
        try discard(other, watched)
    }
}
