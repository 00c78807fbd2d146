import ContainerModel
import ContainerProtocol
import MessagePack

/// The specifications that an operator keeps on a host, and how a `create` builds on them. Pure.
struct Profiles {
    private let profiles: [String: Value]
    private let defaultName: String?
    /// Whether the driver reads specifications itself, and reports what it ignores.
    private let keepsDocuments: Bool

    init(_ configuration: WorkerConfiguration, keepsDocuments: Bool = false) {
        self.keepsDocuments = keepsDocuments
        profiles = configuration.profiles
        defaultName = configuration.defaultProfile
    }

    /// What a new container is made of: the profile's specification, with the request's own applied to it.
    func creation(_ create: Command.Create) throws(Failure) -> QueuedCommand.Creation {
        var value = create.spec
        if let name = create.profile ?? defaultName {
            guard let profile = profiles[name] else {
                let known = profiles.keys.sorted().joined(separator: ", ")
                throw .invalidArgument("there is no profile \"\(Excerpt(name))\" on this host; there are: \(known)")
            }
            let text = create.id.rawValue
            value = Profiles.base(profile, for: value).mappingStrings { $0.replacing("{id}", with: text) }
                .merging(value)
        }
        let (specification, unread) = try OCISpecification.read(value, keepsDocument: keepsDocuments)
        let ignored = keepsDocuments ? [] : unread
        // Whether it is started now or later: what could never start is refused while nothing exists yet.
        guard let process = specification.process else {
            throw .invalidArgument("spec.process is missing: give it args, the program and its arguments")
        }
        try Profiles.check(process, "spec.process")
        return QueuedCommand.Creation(
            specification: specification, source: value,
            ignored: ignored + Profiles.ignored(process).map { "process.\($0)" }, labels: create.labels,
            start: create.start, stdin: create.stdin, profile: create.profile ?? defaultName,
            autoRemove: create.autoRemove, lossless: create.lossless)
    }

    /// One more process of a container.
    func exec(_ exec: Command.Exec) throws(Failure) -> QueuedCommand.Exec {
        let (process, unread) = try OCIProcess.read(exec.spec, keepsDocument: keepsDocuments)
        let ignored = keepsDocuments ? [] : unread
        try Profiles.check(process, "spec")
        return QueuedCommand.Exec(
            name: exec.process, process: process, stdin: exec.stdin,
            ignored: ignored + Profiles.ignored(process), lossless: exec.lossless)
    }

    /// A profile for process isolation names the root's volume, which the OCI specification forbids with Hyper-V isolation.
    private static func base(_ profile: Value, for spec: Value) -> Value {
        guard spec["windows"]?["hyperv"]?.map != nil, spec["root"] == nil, profile["windows"]?["hyperv"] == nil,
            case .map(var base) = profile
        else { return profile }
        base["root"] = nil
        return .map(base)
    }

    /// The OCI specification has the size ignored where there is no terminal.
    private static func ignored(_ process: OCIProcess) -> [String] {
        process.consoleSize != nil && !process.terminal ? ["consoleSize"] : []
    }

    private static func check(_ process: OCIProcess, _ path: String) throws(Failure) {
        guard process.commandLine?.isEmpty == false || process.args.first?.isEmpty == false else {
            throw .invalidArgument(
                "\(path).args is missing or begins with an empty text: give the program and its arguments")
        }
    }
}
