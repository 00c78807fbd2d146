public import ContainerDriver
public import ContainerModel
import Dispatch

/// What every driver does alike, as checks that a driver's own tests run. A check that fails throws what is wrong.
public struct DriverConformance {
    /// What is wrong.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// A driver and what it reports to.
    public struct Instance {
        public let driver: any ContainerDriver
        public let exits: ExitRecorder

        /// A driver that is not connected yet.
        public init(_ driver: any ContainerDriver) {
            self.driver = driver
            exits = ExitRecorder()
            driver.connect(exits)
        }
    }

    /// A check with its name.
    public typealias Check = (name: String, body: @Sendable (DriverConformance) throws -> Void)

    private let instance: Instance
    /// Another driver for the same containers, as the next worker has it.
    private let another: () throws -> Instance
    /// The specification of a container whose first process this is.
    private let specification: (OCIProcess) -> OCISpecification
    /// Whether streams and exits are kept for the next worker.
    private let keepsStreams: Bool

    private var driver: any ContainerDriver { instance.driver }

    /// - Parameters:
    ///   - instance: the driver.
    ///   - another: a further one for the same containers, after the first has gone.
    ///   - specification: of a container with this first process; there is a `/bin/sh` in it.
    ///   - keepsStreams: whether the next worker gets the output, the input and the exits that this one did not.
    public init(
        _ instance: Instance, another: @escaping () throws -> Instance, keepsStreams: Bool = true,
        specification: @escaping (OCIProcess) -> OCISpecification
    ) {
        self.instance = instance
        self.another = another
        self.keepsStreams = keepsStreams
        self.specification = specification
    }

    /// All checks.
    public static let checks: [Check] = [
        ("output comes before the exit, byte for byte", { try $0.outputBeforeExit() }),
        ("a code is the process's own", { try $0.codes() }),
        ("much output is not lost", { try $0.muchOutput() }),
        ("standard input reaches the process and ends", { try $0.standardInput() }),
        ("every exit is reported before the shutdown returns", { try $0.everyExitIsReported() }),
        ("a program that does not exist leaves nothing behind", { try $0.missingProgram() }),
        ("a terminated container says so", { try $0.termination() }),
        ("an id is taken until it is discarded", { try $0.takenID() }),
        ("what is unknown is not found", { try $0.unknown() }),
        ("the next worker finds a container and its exit", { try $0.restoring() }),
        ("an exit that was missed is reported once", { try $0.missedExit() }),
    ]

    // MARK: Steps

    private static func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
        if !condition { throw Failure(description: what()) }
    }

    private static func newID() throws -> ContainerID {
        let name = "conform-\(UInt64.random(in: 0 ... .max))"
        guard let id = ContainerID(name) else { throw Failure(description: name) }
        return id
    }

    private func process(_ script: String) -> OCIProcess { OCIProcess(args: ["/bin/sh", "-c", script]) }

    /// Creates and starts a container.
    private func run(
        _ script: String, stdin: Bool = false
    ) throws -> (id: ContainerID, output: RecordedOutput, started: StartedProcess) {
        let id = try Self.newID()
        let (process, output) = (process(script), RecordedOutput())
        _ = try driver.create(id, specification(process))
        return (id, output, try driver.start(id, process, stdin: stdin, output: output))
    }

    private func finish(_ id: ContainerID, code: UInt32? = 0, _ exits: ExitRecorder? = nil) throws {
        guard let exit = (exits ?? instance.exits).exit(id) else { throw Failure(description: "no exit of \(id)") }
        if let code { try Self.require(exit.code == code && exit.known, "\(exit)") }
    }

    // MARK: Checks

    private func outputBeforeExit() throws {
        let (id, output, _) = try run(#"printf 'a\0b\r\nc'; printf 'e\n' >&2; exit 7"#)
        try finish(id, code: 7)
        try Self.require(output.bytes() == [0x61, 0, 0x62, 0x0D, 0x0A, 0x63], "\(output.bytes())")
        try Self.require(output.text(.stderr) == "e\n", output.text(.stderr))
        _ = try driver.shutDown(id)
        try Self.require(output.ended == [.stdout, .stderr], "\(output.ended)")
        try driver.discard(id)
    }

    private func codes() throws {
        let (plain, _, _) = try run("exit 137")
        try finish(plain, code: 137)
        try Self.require(instance.exits.exit(plain)?.reason == .exited, "exit 137 is no signal")
        try driver.discard(plain)
    }

    private func muchOutput() throws {
        let (id, output, _) = try run("head -c 20000000 /dev/zero")
        try finish(id)
        try Self.require(output.bytes().count == 20_000_000 && output.lost == 0, "\(output.bytes().count)")
        try driver.discard(id)
    }

    private func standardInput() throws {
        let (id, output, started) = try run("cat", stdin: true)
        guard let input = started.input else { throw Failure(description: "no input") }
        try Self.require(try input.write(Array("hello\n".utf8), end: false) == 6, "six bytes find room")
        try Self.require(output.wait(for: "hello\n"), "cat answers before its input ends")
        _ = try input.write([], end: true)
        try finish(id)
        try driver.discard(id)
    }

    private func everyExitIsReported() throws {
        let (id, _, _) = try run("sleep 1000 & wait")
        let output = RecordedOutput()
        guard let name = ProcessName("probe"), let long = ProcessName("long") else { return }
        let started = try driver.startProcess(id, name, process("echo in; exit 5"), stdin: false, output: output)
        try Self.require(started.pid > 0, "an exec has a pid")
        guard let exit = instance.exits.exit(id, name) else { throw Failure(description: "no exit of the exec") }
        try Self.require(exit.code == 5 && output.text() == "in\n", "\(exit) \(output.text())")
        _ = try driver.startProcess(id, long, process("sleep 1000"), stdin: false, output: RecordedOutput())
        try Self.require(try driver.processes(id).count >= 2, "the process list has them")
        try driver.terminate(id)
        try finish(id, code: nil)
        _ = try driver.shutDown(id)
        // In any order: the worker brings them into theirs.
        let ended = instance.exits.exits.filter { $0.id == id }.map(\.process)
        try Self.require(ended.count == 3 && Set(ended) == [name, long, .initial], "\(ended)")
        try driver.discard(id)
    }

    private func missingProgram() throws {
        let id = try Self.newID()
        let missing = OCIProcess(args: ["/nonexistent"])
        do {
            _ = try driver.create(id, specification(missing))
            _ = try driver.start(id, missing, stdin: false, output: RecordedOutput())
            throw Failure(description: "it started")
        } catch let failure as DriverFailure {
            try Self.require([.invalidArgument, .failedPrecondition, .notFound].contains(failure.code), "\(failure)")
        }
        try driver.discard(id)
        _ = try driver.create(id, specification(process("true")))
        try driver.discard(id)
    }

    private func termination() throws {
        let (id, output, _) = try run("trap '' TERM; echo ready; while :; do sleep 1000 & wait; done")
        try Self.require(output.wait(for: "ready"), "it runs")
        try driver.signal(id, .initial, .graceful)
        try driver.check(id)
        try Self.require(instance.exits.exits.allSatisfy { $0.id != id }, "it ignores the signal")
        try driver.terminate(id)
        guard let exit = instance.exits.exit(id) else { throw Failure(description: "no exit") }
        try Self.require(exit.reason == .terminated, "\(exit)")
        try driver.signal(id, .initial, .name("TERM"))
        _ = try driver.shutDown(id)
        try driver.discard(id)
        try driver.discard(id)
    }

    private func takenID() throws {
        let id = try Self.newID()
        _ = try driver.create(id, specification(process("true")))
        do {
            _ = try driver.create(id, specification(process("true")))
            throw Failure(description: "an id was given twice")
        } catch let failure as DriverFailure {
            try Self.require(failure.code == .alreadyExists, "\(failure)")
        }
        try driver.discard(id)
        _ = try driver.create(id, specification(process("true")))
        try driver.discard(id)
    }

    private func unknown() throws {
        let id = try Self.newID()
        let calls: [() throws -> Void] = [
            { _ = try driver.statistics(id) }, { _ = try driver.processes(id) },
            { try driver.signal(id, .initial, .graceful) }, { try driver.terminate(id) },
            { _ = try driver.open(id, []) },
        ]
        for call in calls {
            do {
                try call()
                throw Failure(description: "a container that does not exist was found")
            } catch let failure as DriverFailure {
                try Self.require(failure.code == .notFound, "\(failure)")
            }
        }
        try driver.discard(id)
    }

    private func restoring() throws {
        let script = "trap 'exit 9' TERM; echo one; read line && echo two $line; while :; do sleep 0.01; done"
        let (id, output, started) = try run(script, stdin: true)
        try Self.require(output.wait(for: "one"), "it runs")
        let next = try another()
        try Self.require(try next.driver.enumerate().ids.contains(id), "the next worker finds it")
        let later = RecordedOutput(position: output.position ?? 0)
        let known = KnownProcess(
            name: .initial, pid: started.pid, terminal: false, startedAt: nil, output: later)
        let opened = try next.driver.open(id, [known])
        try Self.require(opened.state == .running, "\(opened.state)")
        try Self.require(opened.processes[.initial] == .found(pid: started.pid), "\(opened.processes)")
        if keepsStreams {
            _ = try opened.inputs[.initial]?.write(Array("more\n".utf8), end: false)
            try Self.require(later.wait(for: "two more\n"), later.text())
            try Self.require(!later.text().contains("one"), "what the first worker had comes once")
        } else {
            _ = try started.input?.write(Array("more\n".utf8), end: false)
        }
        try next.driver.signal(id, .initial, .name("TERM"))
        try finish(id, code: 9, next.exits)
        _ = try next.driver.shutDown(id)
        try next.driver.discard(id)
        try? driver.discard(id)
    }

    private func missedExit() throws {
        guard keepsStreams else { return }
        let id = try Self.newID()
        let output = RecordedOutput()
        _ = try driver.create(id, specification(process("exit 4")))
        let started = try driver.start(id, process("exit 4"), stdin: false, output: output)
        try finish(id, code: 4)
        let next = try another()
        let known = KnownProcess(
            name: .initial, pid: started.pid, terminal: false, startedAt: nil, output: RecordedOutput())
        _ = try next.driver.open(id, [known])
        try finish(id, code: 4, next.exits)
        try next.driver.check(id)
        try Self.require(next.exits.exits.filter { $0.id == id }.count == 1, "reported once")
        _ = try next.driver.shutDown(id)
        try next.driver.discard(id)
        try? driver.discard(id)
    }
}
