import ContainerDriver
import ContainerModel
import Dispatch
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// The rows of HostComputeService F.11 and G.1 that no other test is about; see ROWS.md.
@Suite struct RowTests {
    private let host: EmulatedHost

    init() throws { host = try EmulatedHost() }

    private var driver: HostComputeDriver { host.driver }

    private func fault(_ id: ContainerID, _ call: EmulatorCall, _ code: UInt32, times: Int? = 1) {
        HostComputeEmulator.faults.fail(call, id: id.rawValue, hresult: Int32(bitPattern: code), times: times)
    }

    /// F.11, 6: 1.13 held the container's lock for as long as a start took.
    @Test func aTerminationGetsInWhileAStartHangs() throws {
        let id = try EmulatedHost.id()
        _ = try driver.create(id, host.specification(id))
        let stall = Stall()
        HostComputeEmulator.faults.add(
            Fault(call: .startComputeSystem, id: id.rawValue, effects: .holdCompletion(stall)))
        let started = DispatchGroup()
        DispatchQueue(label: "start").async(group: started) { [driver] in
            _ = try? driver.start(id, EmulatedHost.shell("true"), stdin: false, output: OutputRecorder())
        }
        stall.waitForArrival()
        try driver.terminate(id)
        started.wait()
        stall.release()
        #expect(host.events.exits.isEmpty)
        try driver.discard(id)
    }

    /// F.11, 8: the text named a container where a process was missing.
    @Test func aMissingProcessIsNamed() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        let name = try #require(ProcessName("absent"))
        let failures = [
            try #require(throws: DriverFailure.self) {
                try driver.resize(id, name, ConsoleSize(width: 80, height: 25))
            }, try #require(throws: DriverFailure.self) { try driver.signal(id, name, .graceful) },
        ]
        for failure in failures {
            #expect(failure.code == .notFound && failure.message.contains("process 'absent'"), "\(failure)")
        }
        try driver.discard(id)
    }

    /// F.11, 13: a negative LastWaitResult is as unreadable as a positive one.
    @Test func aSignedWaitResult() {
        let text = #"{"ProcessId":1,"Exited":true,"ExitCode":0,"LastWaitResult":-2147024787}"#
        #expect(ProcessStatus(parsing: text) == .exitedUnreadably)
    }

    /// G.1, named pipes: the prefix is case-sensitive, as today's client has it.
    @Test func aPipesPrefixIsCaseSensitive() throws {
        let id = try EmulatedHost.id()
        var specification = host.specification(id)
        specification.mounts = [.init(destination: #"\\.\PIPE\x"#, source: #"\\.\pipe\x"#)]
        let facts = HostFacts(processors: 1, isFolder: { _ in true }, layerID: { $0 })
        let document = try ContainerDocument.build(id, specification, owner: "o", facts: facts).document
        #expect(document.pipes.isEmpty && document.directories.count == 1)
    }

    /// G.1, terminateInvoked: a shutdown after a termination would hang, so it is not asked for.
    @Test func noShutdownIsAskedOfWhatWasTerminated() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        try driver.signal(id, .initial, .name("KILL"))
        fault(id, .shutdownComputeSystem, 0x8000_4005)
        #expect(try driver.shutDown(id).forced == false)
        HostComputeEmulator.faults.clear(id: id.rawValue)
        try driver.discard(id)
    }

    /// G.1, exit code: today's client forces -1 where the closing of the process fails. The code is known all the same.
    @Test func aCloseThatFailsChangesNoCode() throws {
        let id = try EmulatedHost.id()
        fault(id, .closeProcess, 0x8007_0006)
        try host.run(id, "exit 5")
        let exit = try #require(host.events.exit(id))
        #expect(exit.known && exit.code == 5)
        try driver.discard(id)
    }

    /// G.1, second kill: HCS answers it with an error that says nothing new.
    @Test func aSecondKillIsNoFailure() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        let name = try #require(ProcessName("exec"))
        _ = try driver.startProcess(
            id, name, OCIProcess(args: ["/bin/sleep", "600"]), stdin: false, output: OutputRecorder())
        for process in [name, .initial] {
            try driver.signal(id, process, .number(9))
            try driver.signal(id, process, .number(9))
            #expect(host.events.exit(id, process)?.reason == .terminated)
        }
        _ = try driver.shutDown(id)
        try driver.discard(id)
    }

    /// G.1, other signal errors: today's client swallows them, by a mistake that is not copied.
    @Test func aSignalThatHCSRefusesIsAFailure() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        fault(id, .signalProcess, 0x8007_000E)
        let failure = try #require(throws: DriverFailure.self) { try driver.signal(id, .initial, .name("INT")) }
        #expect(failure.code == .resourceExhausted && failure.operation == "HcsSignalProcess")
        try driver.discard(id)
    }

    /// I.2, 16: who waits for a pause is told that the system has ended, and so is whoever waits for its processes.
    @Test func theSystemEndsWhileItPauses() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600", hyperV: true)
        HostComputeEmulator.faults.add(
            Fault(call: .pauseComputeSystem, id: id.rawValue, effects: .exitBeforeReturn))
        let failure = try #require(throws: DriverFailure.self) { try driver.pause(id) }
        #expect(failure.code == .aborted && failure.operation == "HcsPauseComputeSystem")
        #expect(host.events.exit(id) != nil)
        #expect(try driver.shutDown(id).forced == false)
        #expect(host.events.exits.count == 1)
        try driver.discard(id)
    }
}
