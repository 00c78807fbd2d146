import ContainerDriver
import ContainerModel
import ContainerProtocol
import Foundation
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// The driver and real processes behind the emulator.
@Suite struct EmulatorTests {
    let host: EmulatedHost

    init() throws { host = try EmulatedHost() }

    var driver: HostComputeDriver { host.driver }

    @Test func wholeLife() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        let created = try driver.create(id, host.specification(id))
        #expect(created == CreatedContainer(isolation: .none))
        #expect(try driver.enumerate().ids.contains(id))
        let started = try driver.start(
            id, EmulatedHost.shell("echo out; echo err >&2; exit 7"), stdin: false, output: output)
        #expect(started.pid > 0 && started.input == nil)
        let exit = try #require(host.events.exit(id))
        #expect(exit.code == 7 && exit.known && exit.reason == .exited && exit.observedBy == .driver)
        #expect(output.text() == "out\n" && output.text(.stderr) == "err\n")
        #expect(try driver.shutDown(id) == ShutDown(updatePending: false, forced: false))
        #expect(output.ended == [.stdout, .stderr] && output.ends == 2)
        try driver.discard(id)
        #expect(try !driver.enumerate().ids.contains(id))
        #expect(host.events.exits.count == 1)
    }

    @Test func outputComesBeforeTheExit() throws {
        for turn in 0..<20 {
            let id = try EmulatedHost.id()
            let output = OutputRecorder()
            try host.run(id, "head -c 200000 /dev/zero; exit \(turn)", output: output)
            #expect(host.events.exit(id)?.code == UInt32(turn))
            #expect(output.count() == 200_000)
            try driver.discard(id)
        }
    }

    @Test func aGrandchildKeepsTheOutputOpen() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        try host.run(id, "sleep 600 & echo before; exit 3", output: output)
        #expect(host.events.exit(id)?.code == 3)
        #expect(output.text() == "before\n")
        #expect(output.ended.isEmpty)
        _ = try driver.shutDown(id)
        #expect(output.ended == [.stdout, .stderr] && output.ends == 2)
    }

    /// A stopped stream costs its process only, and no byte.
    @Test func aStoppedStreamHoldsItsProcess() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder(limit: 1 << 20)
        let errors = "head -c 3000000 /dev/zero | tr '\\0' x; echo done >&2; exit 4"
        try host.run(id, errors, output: output)
        #expect(output.waitUntilStopped())
        let other = OutputRecorder()
        _ = try driver.startProcess(
            id, ProcessName("other")!, EmulatedHost.shell("head -c 3000000 /dev/zero"), stdin: false, output: other)
        #expect(host.events.exit(id, ProcessName("other")!)?.code == 0)
        #expect(other.count() == 3_000_000)
        #expect(output.count() <= (1 << 20) + 64 * 1024)
        #expect(host.events.exits.count == 1)
        while output.count() < 3_000_000, output.waitUntilStopped() { output.readOn() }
        #expect(host.events.exit(id)?.code == 4)
        #expect(output.count() == 3_000_000 && output.text(.stderr) == "done\n")
        try driver.discard(id)
    }

    @Test func terminal() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        let input = try host.run(
            id, "stty size; read line; stty size; exit 4", terminal: true, stdin: true, output: output
        ).stdin
        #expect(output.wait(for: " "))
        try driver.resize(id, .initial, ConsoleSize(width: 100, height: 40))
        _ = try input.write("go\n")
        #expect(host.events.exit(id)?.code == 4)
        #expect(output.text().contains("40 100"))
        #expect(output.ended == [.stdout])
        try driver.discard(id)
    }

    @Test func execs() throws {
        let id = try EmulatedHost.id()
        let first = try #require(ProcessName("first"))
        let second = try #require(ProcessName("second"))
        try host.run(id, "sleep 600")
        let output = OutputRecorder()
        _ = try driver.startProcess(id, first, EmulatedHost.shell("echo hi; exit 5"), stdin: false, output: output)
        #expect(host.events.exit(id, first)?.code == 5)
        #expect(output.text() == "hi\n")
        // Too late is no failure; never heard of is one.
        try driver.signal(id, first, .name("KILL"))
        #expect(throws: DriverFailure.self) { try driver.signal(id, second, .graceful) }
        let pid = try driver.startProcess(
            id, second, EmulatedHost.shell("sleep 600"), stdin: false, output: OutputRecorder()
        ).pid
        #expect(throws: DriverFailure.self) {
            try driver.startProcess(id, second, EmulatedHost.shell("true"), stdin: false, output: OutputRecorder())
        }
        #expect(try driver.processes(id).map(\.pid).contains(pid))
        try driver.signal(id, second, .number(9))
        #expect(host.events.exit(id, second)?.reason == .terminated)
        try driver.signal(id, .initial, .graceful)
        let exit = try #require(host.events.exit(id))
        #expect(exit.reason == .signalled || exit.reason == .exited)
        _ = try driver.shutDown(id)
    }

    @Test func shutDownTellsTheExitsOfExecs() throws {
        let id = try EmulatedHost.id()
        let input = try host.run(id, "read x", stdin: true).stdin
        let names = try (0..<5).map { try #require(ProcessName("exec\($0)")) }
        for name in names {
            _ = try driver.startProcess(
                id, name, EmulatedHost.shell("sleep 600"), stdin: false, output: OutputRecorder())
        }
        _ = try input.write([], end: true)
        #expect(host.events.exit(id) != nil)
        _ = try driver.shutDown(id)
        for name in names {
            #expect(host.events.exits.filter { $0.process == name && $0.id == id }.count == 1)
            #expect(host.events.exits.first { $0.process == name }?.exit.reason == .terminated)
        }
    }

    @Test func killEndsEverything() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "trap '' TERM; sleep 600")
        try driver.signal(id, .initial, .name("KILL"))
        #expect(host.events.exit(id)?.reason == .terminated)
        #expect(try driver.shutDown(id).forced == false)
        try driver.discard(id)
        try driver.discard(id)
    }

    @Test func terminate() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "sleep 600")
        try driver.terminate(id)
        #expect(host.events.exit(id)?.reason == .terminated)
        _ = try driver.shutDown(id)
        #expect(try !driver.enumerate().ids.contains(id))
    }

    @Test func wrongArguments() throws {
        let id = try EmulatedHost.id()
        func failure(_ process: OCIProcess) throws -> DriverFailure {
            _ = try driver.create(id, host.specification(id))
            let failure = try #require(throws: DriverFailure.self) {
                try driver.start(id, process, stdin: false, output: OutputRecorder())
            }
            try driver.discard(id)
            #expect(try !driver.enumerate().ids.contains(id))
            return failure
        }
        var process = OCIProcess(args: ["/no/such/program", "x"])
        var told = try failure(process)
        #expect(told.code == .invalidArgument && told.message.contains("/no/such/program"), "\(told)")
        process = OCIProcess(args: ["/bin/sh"])
        process.cwd = "/no/such/folder"
        told = try failure(process)
        #expect(told.code == .invalidArgument && told.message.contains("/no/such/folder"), "\(told)")
        // A file that is no program was once advised to be run by an administrator.
        told = try failure(OCIProcess(args: ["/etc/passwd"]))
        #expect(told.code == .permissionDenied && told.hresult == 0x8007_0005)
        #expect(told.message.contains("'/etc/passwd' was denied") && !told.message.contains("administrator"), "\(told)")
        process = OCIProcess(args: ["/bin/sh"])
        process.username = "no-such-user"
        told = try failure(process)
        #expect(told.code == .invalidArgument && told.message.contains("user.username"), "\(told)")
        told = try failure(OCIProcess())
        #expect(told.code == .invalidArgument && told.message.contains("spec.process.args"))
        #expect(host.events.exits.isEmpty)
    }

    @Test func startedTwice() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "sleep 600")
        let failure = try #require(throws: DriverFailure.self) {
            try driver.start(id, EmulatedHost.shell("true"), stdin: false, output: OutputRecorder())
        }
        #expect(failure.code == .failedPrecondition)
        #expect(try driver.processes(id).count >= 1)
        try driver.discard(id)
    }

    /// HCS makes a utility VM's GUID from the id in upper case.
    @Test func anIdThatDiffersInCaseOnlyIsTaken() throws {
        let id = try EmulatedHost.id()
        let upper = try #require(ContainerID(id.rawValue.uppercased()))
        _ = try driver.create(id, host.specification(id))
        let failure = try #require(throws: DriverFailure.self) { try driver.create(upper, host.specification(upper)) }
        #expect(failure.code == .alreadyExists && failure.message.contains("case"))
        try driver.discard(id)
        _ = try driver.create(upper, host.specification(upper))
        try driver.discard(upper)
    }

    @Test func aTakenId() throws {
        let id = try EmulatedHost.id()
        _ = try driver.create(id, host.specification(id))
        let other = try EmulatedHost()
        let failure = try #require(throws: DriverFailure.self) {
            try other.driver.create(id, other.specification(id))
        }
        #expect(failure.code == .alreadyExists && failure.hresult == 0xC037_010F)
        #expect(
            try #require(throws: DriverFailure.self) { try driver.create(id, host.specification(id)) }.code
                == .alreadyExists)
        try driver.discard(id)
        _ = try other.driver.create(id, other.specification(id))
        // By a driver that does not know it.
        try driver.discard(id)
        try other.driver.discard(id)
        #expect(try !driver.enumerate().ids.contains(id))
    }

    @Test func pausing() throws {
        let id = try EmulatedHost.id()
        try host.run(id, "sleep 600")
        #expect(try #require(throws: DriverFailure.self) { try driver.pause(id) }.code == .unimplemented)
        try driver.discard(id)
        let vm = try EmulatedHost.id("vm")
        try host.run(vm, "sleep 600", hyperV: true)
        try driver.pause(vm)
        try driver.resume(vm)
        try driver.discard(vm)
    }

    @Test func observing() throws {
        let id = try EmulatedHost.id()
        let pid = try host.run(id, "sleep 600").pid
        #expect(try driver.processes(id).first?.pid == pid)
        #expect(try driver.statistics(id).startedAt != nil)
        try driver.probe()
        var resources = WindowsResources()
        resources.memoryLimit = 64 << 20 | 1 << 20
        resources.cpuCount = 1
        resources.storageIOPS = 5
        let updated = try driver.update(id, .windows(resources))
        // The service takes the limits, and nothing enforces them.
        #expect(updated == UpdatedResources(applied: [], ignored: ["storage.iops", "memory.limit", "cpu.count"]))
        #expect(HostComputeEmulator.resources(of: id.rawValue)?.memoryInMB == 66)
        var linux = LinuxResources()
        linux.pidsLimit = 3
        #expect(try driver.update(id, .linux(linux)).ignored == ["pids.limit"])
        try driver.discard(id)
        #expect(try #require(throws: DriverFailure.self) { try driver.statistics(id) }.code == .notFound)
    }

    @Test func openingAgain() throws {
        let id = try EmulatedHost.id()
        let pid = try host.run(id, "echo early; read line; echo late; exit 6", stdin: true).pid
        let next = try EmulatedHost()
        let output = OutputRecorder()
        let known = [KnownProcess(name: .initial, pid: nil, terminal: false, startedAt: nil, output: output)]
        let opened = try next.driver.open(id, known)
        #expect(opened.isolation == .none && !opened.canPause)
        #expect(opened.state == .running && opened.pids == [.initial: pid])
        _ = try opened.stdin().write("x\n")
        let exit = try #require(next.events.exit(id))
        #expect(exit.code == 6 && exit.known)
        _ = try next.driver.shutDown(id)
        #expect(throws: DriverFailure.self) { try next.driver.open(id, known) }
        try driver.discard(id)
        let missing = try EmulatedHost.id("missing")
        #expect(try #require(throws: DriverFailure.self) { try driver.open(missing, known) }.code == .notFound)
    }

    @Test func openingOneThatWasNotStarted() throws {
        let id = try EmulatedHost.id()
        _ = try driver.create(id, host.specification(id))
        let next = try EmulatedHost()
        #expect(try next.driver.open(id, []).state == .created)
        let output = OutputRecorder()
        _ = try next.driver.start(id, EmulatedHost.shell("echo hi"), stdin: false, output: output)
        #expect(next.events.exit(id)?.code == 0)
        _ = try next.driver.shutDown(id)
        try driver.discard(id)
    }

    @Test func servicing() throws {
        let id = try EmulatedHost.id()
        _ = try driver.create(id, host.specification(id, servicing: true))
        let output = OutputRecorder()
        _ = try driver.start(id, EmulatedHost.shell("echo nowhere; sleep 0.05"), stdin: true, output: output)
        #expect(host.events.exit(id)?.code == 0)
        #expect(try driver.shutDown(id).forced == false)
        #expect(output.count() == 0)
    }

    @Test func servicingThatFails() throws {
        let id = try EmulatedHost.id()
        _ = try driver.create(id, host.specification(id, servicing: true))
        _ = try driver.start(id, EmulatedHost.shell("exit 3"), stdin: false, output: OutputRecorder())
        #expect(host.events.exit(id)?.code == 3)
        _ = try driver.shutDown(id)
        try driver.discard(id)
        #expect(try !driver.enumerate().ids.contains(id))
    }
}
