import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import Worker

/// Which stopped containers go first.
struct StoppedContainersTests {
    private func time(_ seconds: Int64) throws -> Timestamp {
        try #require(Timestamp(seconds: seconds, nanoseconds: 0))
    }
    private func id(_ number: Int) throws -> ContainerID { try #require(ContainerID("c\(number)")) }

    private func stopped(_ times: [Int64]) throws -> StoppedContainers {
        var stopped = StoppedContainers()
        for (number, seconds) in times.enumerated() { stopped.insert(try id(number), at: try time(seconds)) }
        return stopped
    }

    @Test func theFirstThatStoppedGoesFirst() throws {
        var stopped = try stopped([30, 10, 20])
        #expect(stopped.popExpired(before: nil, limit: 2) == (try id(1)))
        #expect(stopped.popExpired(before: nil, limit: 2) == nil)
        #expect(stopped.popExpired(before: try time(30), limit: nil) == (try id(2)))
        #expect(stopped.popExpired(before: try time(30), limit: nil) == nil)
        #expect(stopped.count == 1)
    }

    @Test func whatIsRemovedOtherwiseIsLeftOut() throws {
        var stopped = try stopped([10, 20, 30])
        stopped.remove(try id(0))
        stopped.remove(try id(7))
        #expect(stopped.popExpired(before: try time(100), limit: nil) == (try id(1)))
        // One that stopped again counts by its new time.
        stopped.insert(try id(2), at: try time(200))
        #expect(stopped.popExpired(before: try time(100), limit: nil) == nil)
        #expect(stopped.popExpired(before: nil, limit: 0) == (try id(2)))
    }

    @Test func manyComeAndGo() throws {
        var stopped = StoppedContainers()
        for number in 0..<10_000 {
            stopped.insert(try id(number), at: try time(Int64(number)))
            if number >= 10 { stopped.remove(try id(number - 10)) }
        }
        #expect(stopped.count == 10)
        #expect(stopped.popExpired(before: nil, limit: 9) == (try id(9_990)))
    }

    @Test func theNewestExitsAreKept() throws {
        var exits = RemovedExits()
        let exit = Exit(code: 3, reason: .exited, at: .epoch, observedBy: .driver)
        for number in 0..<5000 { exits[try id(number)] = exit }
        #expect(exits[try id(4999)] == exit)
        #expect(exits[try id(0)] == nil)
        exits[try id(4999)] = nil
        #expect(exits[try id(4999)] == nil)
    }
}
