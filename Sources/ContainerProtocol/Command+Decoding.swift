import ContainerModel
import MessagePack

extension Command {
    /// Reads the parameters of `method`; the keys that any request may have have been taken already.
    init(_ method: Method, _ parameters: inout Parameters) throws {
        switch method {
        case .ping: self = .ping
        case .version: self = .version
        case .health: self = .health
        case .create:
            let create = try Create(&parameters)
            self = try parameters.bool("dry_run", default: false) ? .plan(create) : .create(create)
        case .start: self = .start(try parameters.id())
        case .exec: self = .exec(try Exec(&parameters))
        case .signal:
            self = .signal(try parameters.id(), .initial, try SignalName(&parameters))
        case .signalProcess:
            self = .signal(try parameters.id(), try parameters.process(required: true), try SignalName(&parameters))
        case .stop:
            let grace = try parameters.unsigned("grace_ms", in: Bounds.milliseconds) ?? Defaults.grace
            self = .stop(try parameters.id(), grace: .milliseconds(Int64(grace)))
        case .resize: self = try Command.resize(&parameters)
        case .pause: self = .pause(try parameters.id())
        case .resume: self = .resume(try parameters.id())
        case .stats: self = .stats(try StatsSelection(&parameters))
        case .pids: self = .pids(try parameters.id())
        case .summary: self = .summary(try parameters.id())
        case .restore: self = .restore(try parameters.id())
        case .update:
            guard let resources = try parameters.map("resources") else {
                throw Failure.invalidArgument("update needs the key \"resources\", a map of OCI resources")
            }
            self = .update(try parameters.id(), resources: resources)
        case .checkpointCreate, .checkpointDelete, .checkpointList:
            self = try Command.checkpoint(method, &parameters)
        case .delete:
            self = .delete(try parameters.id(), force: try parameters.bool("force", default: false))
        case .state:
            let id = try parameters.id()
            self = try parameters.bool("spec", default: false) ? .describe(id) : .state(id)
        case .list: self = .list(try List(&parameters))
        case .snapshot: self = .snapshot(try Snapshot(&parameters))
        case .wait: self = .wait(try parameters.id(), try parameters.process())
        case .attach: self = .attach(try Attach(&parameters))
        case .credit:
            guard let bytes = try parameters.unsigned("bytes", in: Bounds.credit) else {
                throw Failure.invalidArgument("credit needs the key \"bytes\"")
            }
            self = .credit(try parameters.id(), try parameters.process(), bytes: bytes)
        case .detach: self = .detach(try parameters.id(), try parameters.process())
        case .stdin: self = .stdin(try Stdin(&parameters))
        case .logs: self = .logs(try Logs(&parameters))
        case .events: self = .events(try Events(&parameters))
        case .keysList: self = .listKeys
        case .keysReload: self = .reloadKeys
        case .drain: self = try Command.drain(&parameters)
        }
    }

    private static func drain(_ parameters: inout Parameters) throws -> Command {
        let deadline = try parameters.unsigned("deadline_ms", in: Bounds.milliseconds)
        let stop = try parameters.bool("stop", default: false)
        guard try parameters.bool("undo", default: false) else {
            return .drain(deadline: deadline.map { .milliseconds(Int64($0)) }, stop: stop)
        }
        guard deadline == nil, !stop else {
            throw Failure.invalidArgument("drain takes \"undo\" alone, without \"deadline_ms\" and \"stop\"")
        }
        return .undrain
    }

    private static func resize(_ parameters: inout Parameters) throws -> Command {
        let id = try parameters.id()
        let process = try parameters.process()
        guard let width = try parameters.unsigned("width", in: Bounds.consoleSide),
            let height = try parameters.unsigned("height", in: Bounds.consoleSide)
        else { throw Failure.invalidArgument("resize needs the keys \"width\" and \"height\", in characters") }
        return .resize(id, process, ConsoleSize(width: UInt16(width), height: UInt16(height)))
    }

    private static func checkpoint(_ method: Method, _ parameters: inout Parameters) throws -> Command {
        let id = try parameters.id()
        let name = try parameters.string("checkpoint")
        guard method == .checkpointList || name != nil else {
            throw Failure.invalidArgument("\(method.rawValue) needs the key \"checkpoint\"")
        }
        _ = try parameters.string("directory")
        _ = try parameters.bool("exit", default: false)
        return .checkpoint(method, id)
    }
}

extension Command.Create {
    init(_ parameters: inout Parameters) throws {
        id = try parameters.id()
        spec = try parameters.map("spec") ?? .map([:])
        profile = try parameters.string("profile")
        start = try parameters.bool("start", default: true)
        stdin = try parameters.bool("stdin", default: false)
        labels = try parameters.labels("labels") ?? [:]
        autoRemove = try parameters.bool("auto_remove", default: false)
        lossless = try parameters.bool("lossless", default: false)
    }
}

extension Command.Exec {
    init(_ parameters: inout Parameters) throws {
        id = try parameters.id()
        process = try parameters.process(required: true)
        guard process != .initial else {
            throw Failure.invalidArgument(
                "\"process\" of exec must not be init, which is the container's first process")
        }
        guard let spec = try parameters.map("spec") else {
            throw Failure.invalidArgument("exec needs the key \"spec\", an OCI process")
        }
        self.spec = spec
        stdin = try parameters.bool("stdin", default: false)
        lossless = try parameters.bool("lossless", default: false)
    }
}

extension Command.SignalName {
    init(_ parameters: inout Parameters) throws {
        let element = try parameters.required("signal")
        if let number = element.unsigned {
            self = try .init(number: number)
        } else if let number = element.signed {
            throw Command.SignalName.outside("\(number)")
        } else if let text = element.string {
            self = try .init(text: text)
        } else {
            throw parameters.wrong("signal", element, "an int or a str")
        }
    }

    private init(number: UInt64) throws(Failure) {
        guard let number = Int(exactly: number), Bounds.signal.contains(number) else {
            throw Command.SignalName.outside("\(number)")
        }
        self = .number(number)
    }

    /// A name, with `SIG` or without, or a number in digits.
    private init(text: String) throws(Failure) {
        let isWord = text.utf8.allSatisfy { Name.isLetter($0) || Name.isDigit($0) || "+-".utf8.contains($0) }
        let name = text.uppercased()
        let stem = name.hasPrefix("SIG") ? name.dropFirst(3) : name[...]
        guard isWord, Bounds.signalName.contains(stem.utf8.count), let first = stem.utf8.first else {
            throw Command.SignalName.noName(text)
        }
        if stem.utf8.allSatisfy(Name.isDigit) {
            guard let number = UInt64(stem) else { throw Command.SignalName.outside(stem) }
            self = try .init(number: number)
        } else {
            guard Name.isLetter(first) else { throw Command.SignalName.noName(text) }
            self = .name(String(stem))
        }
    }

    private static func noName(_ text: String) -> Failure {
        .invalidArgument("\"signal\" is \"\(Excerpt(text))\", which is not the name of a signal, such as TERM or KILL")
    }

    private static func outside(_ number: some StringProtocol) -> Failure {
        .invalidArgument(
            "\"signal\" is \(number); a signal's number is \(Bounds.signal.lowerBound) to \(Bounds.signal.upperBound)")
    }
}

extension Command.StatsSelection {
    init(_ parameters: inout Parameters) throws {
        let some = try parameters.ids("ids")
        if parameters.optional("id") != nil {
            guard some == nil else { throw Failure.invalidArgument("stats takes \"id\" or \"ids\", not both") }
            self = .one(try parameters.id())
        } else {
            self = some.map { .some($0) } ?? .all
        }
    }
}

extension Command.List {
    init(_ parameters: inout Parameters) throws {
        labels = try parameters.labels("labels") ?? [:]
        states = try parameters.cases("states", of: ContainerRecord.State.self)
        after = try parameters.string("after")
        limit = Int(try parameters.unsigned("limit", in: Bounds.page) ?? Defaults.page)
    }
}

extension Command.Snapshot {
    init(_ parameters: inout Parameters) throws {
        after = try parameters.string("after")
        limit = Int(try parameters.unsigned("limit", in: Bounds.page) ?? Defaults.page)
    }
}

extension Command.Stdin {
    init(_ parameters: inout Parameters) throws {
        id = try parameters.id()
        process = try parameters.process()
        eof = try parameters.bool("eof", default: false)
        guard let data = try parameters.binary("data") ?? (eof ? [] : nil) else {
            throw Failure.invalidArgument("stdin needs the key \"data\", a bin, or \"eof\"")
        }
        self.data = data
        offset = try parameters.unsigned("offset", in: 0...UInt64.max)
    }
}

extension Command.Attach {
    init(_ parameters: inout Parameters) throws {
        id = try parameters.id()
        process = try parameters.process()
        from = .start
        if let element = parameters.optional("from") {
            if let offset = element.unsigned {
                from = .offset(offset)
            } else if let text = element.string, text == "start" || text == "now" {
                from = text == "now" ? .now : .start
            } else {
                throw Failure.invalidArgument("\"from\" of attach must be \"start\", \"now\" or an offset in bytes")
            }
        }
        credit = try parameters.unsigned("credit", in: Bounds.credit) ?? 0
        lossless = try parameters.bool("lossless", default: false)
    }
}

extension Command.Logs {
    init(_ parameters: inout Parameters) throws {
        id = try parameters.id()
        process = try parameters.process()
        from = .offset(0)
        if let element = parameters.optional("from") {
            if let offset = element.unsigned {
                from = .offset(offset)
            } else if let time = try element.value().timestamp {
                from = .time(time)
            } else {
                throw parameters.wrong("from", element, "an offset in bytes or a timestamp")
            }
        }
        limit = Int(try parameters.unsigned("limit", in: Bounds.logBytes) ?? Defaults.logBytes)
        tail = try parameters.unsigned("tail", in: Bounds.tail).map { Int($0) }
        times = try parameters.bool("times", default: false)
    }
}

extension Command.Events {
    init(_ parameters: inout Parameters) throws {
        after = try parameters.unsigned("after", in: 0...UInt64.max) ?? 0
        limit = Int(try parameters.unsigned("limit", in: Bounds.page) ?? Defaults.page)
        types = try parameters.cases("types", of: Event.Kind.self)
        ids = try parameters.ids("ids")
    }
}
