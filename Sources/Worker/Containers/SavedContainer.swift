import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack

/// What the journal keeps of a container: its record, the state of its state machine, and the command under way.
struct SavedContainer: Sendable {
    var facts: ContainerRecord
    var state: ContainerState
    /// The specification of its first process, until that has been started.
    var creation: Creation?
    var known = KnownContainer()
    /// Processes with a terminal, among those that may run.
    var terminals: Set<ProcessName> = []
    /// Which file each process's output is in, and the last number that was given.
    var spoolNumbers: [ProcessName: Int] = [:]
    var lastSpool = 0
    /// How long a stop that is under way gives the first process.
    var stopGrace: Duration?
    /// When that has passed.
    var stopDue: Timestamp?
    var cause: Cause?
    /// The command under way.
    var command: Command?
    /// Why it failed, while what it left is being discarded.
    var failure: Failure?

    /// What a container that has not been started is made of.
    struct Creation: Sendable {
        var source: Value
        var start: Bool
        var stdin: Bool
        var lossless = false
    }

    /// A command that may have been carried out or not: the host is asked.
    struct Command: Sendable {
        /// The method's name.
        var method: String
        var request: RequestKey?
        var requestID: String?
        var traceparent: String?
        /// When it was begun.
        var at: Timestamp
        /// `exec`: the process.
        var process: ProcessName?
        /// `exec`: whether it has a terminal.
        var terminal = false
        var ignored: [String] = []
        /// `delete`.
        var force = false
    }
}

extension SavedContainer: WireEncodable {
    func encode(to writer: Writer) {
        let optional = [
            creation != nil, known.canPause != nil, !known.directory.isEmpty, known.isServicing, stopGrace != nil,
            stopDue != nil, cause != nil, command != nil,
            failure != nil,
        ]
        writer.map(6 + optional.count(where: { $0 }))
        writer.string("version")
        writer.unsigned(1)
        writer.string("facts")
        facts.encode(to: writer)
        writer.string("state")
        state.encode(to: writer)
        writer.string("terminals")
        writer.array(terminals.count)
        for name in terminals { writer.string(name.rawValue) }
        writer.string("spools")
        writer.map(spoolNumbers.count)
        for (name, number) in spoolNumbers {
            writer.string(name.rawValue)
            writer.unsigned(UInt64(number))
        }
        writer.string("last_spool")
        writer.unsigned(UInt64(lastSpool))
        if let creation {
            writer.string("creation")
            writer.value(
                [
                    "source": creation.source, "start": .bool(creation.start), "stdin": .bool(creation.stdin),
                    "lossless": .bool(creation.lossless),
                ])
        }
        if let canPause = known.canPause {
            writer.string("can_pause")
            writer.bool(canPause)
        }
        if !known.directory.isEmpty {
            writer.string("directory")
            writer.string(known.directory)
        }
        if known.isServicing {
            writer.string("servicing")
            writer.bool(true)
        }
        if let stopGrace {
            writer.string("stop_grace_ms")
            writer.unsigned(UInt64(max(0, stopGrace / .milliseconds(1))))
        }
        if let stopDue {
            writer.string("stop_due")
            writer.timestamp(stopDue)
        }
        if let cause {
            writer.string("cause")
            writer.value(.map(cause.map))
        }
        if let command {
            writer.string("command")
            command.encode(to: writer)
        }
        if let failure {
            writer.string("failure")
            writer.value(failure.value)
        }
    }

    /// Nil if `value` was not written by this version.
    init?(_ value: Value) {
        guard value["version"]?.unsigned == 1, let facts = value["facts"].flatMap(ContainerRecord.init),
            let state = value["state"].flatMap(ContainerState.init)
        else { return nil }
        self.facts = facts
        self.state = state
        self.state.processes = facts.processes
        known.canPause = value["can_pause"]?.bool
        known.directory = value["directory"]?.string ?? ""
        known.isServicing = value["servicing"]?.bool ?? false
        for (name, number) in value["spools"]?.map ?? [:] {
            if let name = ProcessName(name) { spoolNumbers[name] = number.unsigned.flatMap { Int(exactly: $0) } }
        }
        lastSpool = value["last_spool"]?.unsigned.flatMap { Int(exactly: $0) } ?? 0
        terminals = Set((value["terminals"]?.array ?? []).compactMap { $0.string.flatMap(ProcessName.init) })
        stopDue = value["stop_due"]?.timestamp
        stopGrace = value["stop_grace_ms"]?.unsigned.map { .milliseconds(Int64(clamping: $0)) }
        cause = value["cause"].map { Cause($0) }
        command = value["command"].flatMap(Command.init)
        failure = value["failure"].map { Failure($0) }
        if let creation = value["creation"], let source = creation["source"] {
            self.creation = Creation(
                source: source, start: creation["start"]?.bool ?? false, stdin: creation["stdin"]?.bool ?? false,
                lossless: creation["lossless"]?.bool ?? false)
        }
    }
}

extension SavedContainer.Command {
    func encode(to writer: Writer) {
        var map: Value.Map = ["method": .string(method), "at": .timestamp(at), "force": .bool(force)]
        if let request { map["request"] = [.string(request.principal), .string(request.id)] }
        if let requestID { map["request_id"] = .string(requestID) }
        if let traceparent { map["traceparent"] = .string(traceparent) }
        if let process {
            map["process"] = .string(process.rawValue)
            map["terminal"] = .bool(terminal)
        }
        if !ignored.isEmpty { map["ignored"] = .array(ignored.map { .string($0) }) }
        writer.value(.map(map))
    }

    init?(_ value: Value) {
        guard let method = value["method"]?.string, let at = value["at"]?.timestamp else { return nil }
        self.method = method
        self.at = at
        if let key = value["request"]?.array, key.count == 2, let principal = key[0].string, let id = key[1].string {
            request = RequestKey(principal: principal, id: id)
        }
        requestID = value["request_id"]?.string
        traceparent = value["traceparent"]?.string
        process = value["process"]?.string.flatMap(ProcessName.init)
        terminal = value["terminal"]?.bool ?? false
        ignored = (value["ignored"]?.array ?? []).compactMap(\.string)
        force = value["force"]?.bool ?? false
    }
}

extension Cause {
    fileprivate var map: Value.Map {
        var map: Value.Map = [:]
        if let requestID { map["request_id"] = .string(requestID) }
        if let traceparent { map["traceparent"] = .string(traceparent) }
        return map
    }

    fileprivate init(_ value: Value) {
        self.init(requestID: value["request_id"]?.string, traceparent: value["traceparent"]?.string)
    }
}

extension ContainerState {
    /// What survives the worker.
    fileprivate func encode(to writer: Writer) {
        var map: Value.Map = ["phase": .string(phase.rawValue)]
        if let pid { map["pid"] = .int(pid) }
        if let beginning { map["beginning"] = .string(beginning.name.rawValue) }
        if !replaced.isEmpty { map["replaced"] = .array(replaced.map { .int($0) }) }
        for (key, isSet) in [
            ("update_pending", isUpdatePending), ("stopping", isStopping), ("delete", isDeletedOnceDown),
            ("start_failed", isDiscardedForFailedStart),
        ] where isSet { map[key] = true }
        let exits = [("exit", exit), ("seen_exit", seenExit)].compactMap { key, exit in exit.map { (key, $0) } }
        writer.map(map.count + exits.count)
        for (key, value) in map {
            writer.string(key)
            writer.value(value)
        }
        for (key, exit) in exits {
            writer.string(key)
            exit.encode(to: writer)
        }
    }

    /// Without the processes besides the first, which the record has.
    fileprivate init?(_ value: Value) {
        guard let phase = value["phase"]?.string.flatMap(Phase.init) else { return nil }
        self.phase = phase
        pid = value["pid"]?.unsigned.flatMap { UInt32(exactly: $0) }
        exit = Exit(value["exit"])
        seenExit = Exit(value["seen_exit"])
        beginning = value["beginning"]?.string.flatMap(ProcessName.init).map { Beginning(name: $0) }
        replaced = (value["replaced"]?.array ?? []).compactMap { $0.unsigned.flatMap { UInt32(exactly: $0) } }
        isUpdatePending = value["update_pending"]?.bool ?? false
        isStopping = value["stopping"]?.bool ?? false
        isDeletedOnceDown = value["delete"]?.bool ?? false
        isDiscardedForFailedStart = value["start_failed"]?.bool ?? false
    }
}

extension KnownContainer {
    /// What a driver cannot learn again of a container of this specification.
    init(_ specification: OCISpecification) {
        self.init()
        directory = specification.process?.cwd ?? ""
        isServicing = specification.windows?.servicing ?? false
    }
}
