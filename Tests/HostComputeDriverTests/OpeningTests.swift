import ContainerDriver
import ContainerModel
import ContainerProtocol
import Foundation
import Testing

@testable import HostComputeDriver
@testable import HostComputeEmulator

/// Containers that an earlier worker left in the emulator service, found again through the driver.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct OpeningTests {
    static let owner = "windlass:opening-tests"
    let service: EmulatorProcess.Running
    let driver: HostComputeDriver
    let events = EventRecorder()
    let output = OutputRecorder()
    let exec: ProcessName

    init() throws {
        service = try #require(EmulatorProcess.shared)
        let table = try HostComputeEmulator.connect(socket: service.socket).table
        driver = HostComputeDriver(
            table: table, name: "hcs-emulator", version: "test", owner: Self.owner, isolates: false, timeouts: .quick)
        driver.connect(events)
        exec = try #require(ProcessName("exec"))
    }

    /// The first process of a record.
    func known(_ pid: UInt32?, startedAt: Timestamp? = nil, _ output: OutputRecorder? = nil) -> KnownProcess {
        known(.initial, pid, startedAt: startedAt, output)
    }

    func known(
        _ name: ProcessName, _ pid: UInt32?, startedAt: Timestamp? = nil, _ output: OutputRecorder? = nil
    ) -> KnownProcess {
        KnownProcess(
            name: name, pid: pid, terminal: false, startedAt: startedAt, output: output ?? OutputRecorder())
    }

    /// Lets an earlier worker make something, and die.
    func earlier<Made>(_ make: (EarlierWorker) throws -> Made) throws -> Made {
        let worker = try EarlierWorker(service)
        defer { worker.die() }
        return try make(worker)
    }

    func waitUntilGone(_ pid: UInt32) {
        while let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8), !status.contains(") Z") {
            usleep(100)
        }
    }

    @Test func oneThatRuns() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: Self.owner), "echo one; read x; echo got $x; exit 6")
        }
        let opened = try driver.open(id, [known(pid, startedAt: .now, output)])
        #expect(opened.isolation == .none && !opened.canPause)
        #expect(opened.state == .running && opened.pids == [.initial: pid])
        #expect(output.wait(for: "one\n"))
        #expect(try driver.processes(id).map(\.pid) == [pid])
        #expect(try opened.stdin().write("it\n") == 3)
        let exit = try #require(events.exit(id))
        #expect(exit.code == 6 && exit.known && exit.reason == .exited && exit.observedBy == .driver)
        #expect(output.text() == "one\ngot it\n")
        _ = try driver.shutDown(id)
        try driver.discard(id)
        #expect(events.exits.count == 1)
    }

    @Test func oneThatEndedMeanwhile() throws {
        let id = try EmulatedHost.id()
        let (pid, execPid) = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            let pid = try worker.shell(system, "read x; echo one; echo two; echo bad >&2; exit 5")
            return (pid, try worker.shell(system, "kill \(pid); exit 4"))
        }
        waitUntilGone(pid)
        waitUntilGone(execPid)
        let opened = try driver.open(id, [known(pid, startedAt: .now, output), known(exec, execPid)])
        #expect(opened.state == .running && opened.pids == [.initial: pid, exec: execPid])
        let exit = try #require(events.exit(id))
        #expect(exit.code == 128 + 15 && exit.known && exit.observedBy == .restore)
        #expect(events.exit(id, exec)?.code == 4)
        // The first process's exit is told last.
        #expect(events.exits.map(\.process) == [exec, .initial])
        try driver.discard(id)
        #expect(events.exits.count == 2)
    }

    @Test func itsOutputComesBeforeItsExit() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            return try worker.shell(system, "head -c 50000 /dev/zero; echo bad >&2; exit 5")
        }
        waitUntilGone(pid)
        _ = try driver.open(id, [known(pid, output)])
        let exit = try #require(events.exit(id))
        #expect(output.count() == 50_000 && output.text(.stderr) == "bad\n")
        #expect(exit.code == 5)
        try driver.discard(id)
        #expect(output.ended == [.stdout, .stderr] && output.ends == 2)
    }

    @Test func oneThatIsNotThereAnyMore() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: Self.owner), "exec sleep 1000")
        }
        let opened = try driver.open(id, [known(pid), known(exec, 1, output)])
        #expect(opened.pids == [.initial: pid])
        let exit = try #require(events.exit(id, exec))
        #expect(!exit.known && exit.code == 1 << 31 && exit.reason == .lost && exit.observedBy == .restore)
        #expect(output.ended == [.stdout, .stderr])
        try driver.discard(id)
        #expect(events.exits.map(\.process) == [exec, .initial])
    }

    @Test func aPausedOne() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner, hyperV: true)
            let pid = try worker.shell(system, "read x; exit 3")
            try worker.call(.pauseComputeSystem, system)
            return pid
        }
        let opened = try driver.open(id, [known(pid)])
        #expect(opened.isolation == .none && opened.canPause)
        #expect(opened.state == .paused && opened.pids == [.initial: pid])
        _ = try opened.stdin().write("\n")
        try driver.resume(id)
        #expect(events.exit(id)?.code == 3)
        try driver.discard(id)
    }

    @Test func oneWithATerminal() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            return try worker.shell(system, "stty -echo; stty size; read x; stty size; exit 4", terminal: true)
        }
        let record = KnownProcess(name: .initial, pid: pid, terminal: true, startedAt: nil, output: output)
        let opened = try driver.open(id, [record])
        #expect(opened.pids == [.initial: pid])
        #expect(output.wait(for: "25 80\r\n"))
        try driver.resize(id, .initial, .init(width: 100, height: 40))
        _ = try opened.stdin().write("\n")
        #expect(events.exit(id)?.code == 4)
        #expect(output.text().hasSuffix("40 100\r\n"))
        try driver.discard(id)
        #expect(output.ended == [.stdout])
    }

    @Test func oneThatWasOnlyCreated() throws {
        let id = try EmulatedHost.id()
        try earlier { worker in _ = try worker.create(id, owner: Self.owner, start: false) }
        let opened = try driver.open(id, [known(nil)])
        #expect(opened.state == .created && opened.processes == [.initial: .neverCreated])
        #expect(events.exits.isEmpty)
        _ = try driver.start(id, EmulatedHost.shell("echo hi"), stdin: false, output: output)
        #expect(events.exit(id)?.code == 0)
        try driver.discard(id)
    }

    @Test func oneThatWasEndedWithItsWorker() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            let pid = try worker.shell(system, "exec sleep 1000")
            try worker.call(.terminateComputeSystem, system)
            return pid
        }
        #expect(try driver.enumerate().ids.contains(id))
        let opened = try driver.open(id, [known(pid)])
        #expect(opened.state == .stopped && opened.pids == [.initial: pid])
        let exit = try #require(events.exit(id))
        #expect(exit.code == 137 && exit.observedBy == .restore)
        #expect(try driver.shutDown(id).forced == false)
        try driver.discard(id)
        #expect(try !driver.enumerate().ids.contains(id))
        #expect(events.exits.count == 1)
    }

    @Test func anotherOwnersIsLeftAlone() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: "somebody-else"), "exec sleep 1000")
        }
        let failure = try #require(throws: DriverFailure.self) { try driver.open(id, [known(pid)]) }
        #expect(failure.code == .failedPrecondition && failure.message.contains("somebody-else"))
        #expect(try !driver.enumerate().ids.contains(id))
        #expect(events.exits.isEmpty)
        #expect(FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        // Not by force either: a discard once ended it.
        try driver.discard(id)
        #expect(FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        try earlier { worker in _ = try worker.open(id, thenTerminate: true) }
        let missing = try EmulatedHost.id("missing")
        #expect(try #require(throws: DriverFailure.self) { try driver.open(missing, []) }.code == .notFound)
    }

    /// While this driver has a handle, the id is not given away: who opens, asks and terminates always means one system.
    @Test func theIdIsNotFreeWhileItIsBeingEnded() throws {
        let id = try EmulatedHost.id()
        try earlier { worker in _ = try worker.shell(try worker.create(id, owner: Self.owner), "exec sleep 1000") }
        _ = try driver.open(id, [])
        let other = try EarlierWorker(service)
        defer { other.die() }
        try other.open(id, thenTerminate: true)
        #expect(try other.isTaken(id))
        try driver.discard(id)
        let pid = try other.shell(try other.create(id, owner: "somebody-else"), "exec sleep 1000")
        try driver.discard(id)
        #expect(FileManager.default.fileExists(atPath: "/proc/\(pid)"))
        try other.open(id, thenTerminate: true)
    }

    /// An exec that names no directory starts in the first process's; after a restart it started in the image's.
    @Test func anExecStartsInTheDirectoryOfTheRecord() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: Self.owner), "exec sleep 1000")
        }
        var record = KnownContainer()
        record.directory = "/usr"
        _ = try driver.open(id, record, [known(pid)], ended: [])
        _ = try driver.startProcess(id, exec, EmulatedHost.shell("pwd"), stdin: false, output: output)
        #expect(events.exit(id, exec)?.code == 0)
        #expect(output.text() == "/usr\n")
        try driver.discard(id)
    }

    @Test func aServicingRunIsStartedAsOne() throws {
        let id = try EmulatedHost.id()
        try earlier { worker in _ = try worker.create(id, owner: Self.owner, start: false) }
        var record = KnownContainer()
        record.isServicing = true
        _ = try driver.open(id, record, [], ended: [])
        let started = try driver.start(id, EmulatedHost.shell("echo x"), stdin: true, output: output)
        #expect(started.input == nil, "a servicing run has no pipes")
        #expect(events.exit(id)?.code == 0 && output.text().isEmpty)
        try driver.discard(id)
    }

    @Test func openedTwice() throws {
        let id = try EmulatedHost.id()
        let (pid, execPid) = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            return (try worker.shell(system, "echo one; read x; exit 1"), try worker.shell(system, "exit 2"))
        }
        let record = [known(pid, output), known(exec, execPid)]
        #expect(try driver.open(id, record).pids == [.initial: pid, exec: execPid])
        #expect(events.exit(id, exec)?.code == 2)
        // What is open stays as it is, and what has been told is not told again.
        let again = try driver.open(id, record)
        #expect(again.state == .running && again.pids == [.initial: pid])
        _ = try again.stdin().write("x\n")
        #expect(events.exit(id)?.code == 1)
        #expect(try driver.open(id, record).processes.isEmpty)
        #expect(output.text() == "one\n" && output.ends == 2)
        try driver.discard(id)
        #expect(events.exits.count == 2)
    }

    @Test func afterTheConnectionWasLost() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(
                try worker.create(id, owner: Self.owner), "echo one; read x; echo got $x; read x; exit 1")
        }
        _ = try driver.open(id, [known(pid, output)])
        let execOutput = OutputRecorder()
        let execPid = try driver.startProcess(
            id, exec, EmulatedHost.shell("echo e1; read x; echo e2; exit 2"), stdin: true, output: execOutput
        ).pid
        let ended = try #require(ProcessName("ended"))
        _ = try driver.startProcess(id, ended, EmulatedHost.shell("exit 3"), stdin: false, output: OutputRecorder())
        #expect(events.exit(id, ended)?.code == 3)
        #expect(output.wait(for: "one\n") && execOutput.wait(for: "e1\n"))
        RemoteEmulator.shared.withLock { $0 }?.disconnect()
        #expect(events.waitForDisconnect())
        // The record has not heard of the exec's id, nor that the other one has ended.
        let record = [known(pid, output), known(exec, nil, execOutput), known(ended, 1)]
        let opened = try driver.open(id, record)
        #expect(opened.state == .running && opened.pids == [.initial: pid, exec: execPid])
        #expect(output.ends == 0 && execOutput.ends == 0)
        _ = try opened.stdin(exec).write("x\n")
        #expect(events.exit(id, exec)?.code == 2)
        #expect(execOutput.text() == "e1\ne2\n")
        _ = try opened.stdin().write("it\ny\n")
        #expect(events.exit(id)?.code == 1)
        #expect(output.text() == "one\ngot it\n")
        try driver.discard(id)
        #expect(events.exits.count == 3 && events.disconnects == 1)
        #expect(output.ends == 2)
    }
}
