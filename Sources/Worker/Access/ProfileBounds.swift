import ContainerProtocol
import MessagePack

/// What a principal with `profiles_only` may ask for: containers from the host's own profiles. Pure.
enum ProfileBounds {
    /// Keys of `spec.process` that say what runs, and nothing about its rights.
    private static let process: Set<String> = ["args", "commandLine", "consoleSize", "cwd", "env", "terminal"]

    /// Why a command may not be carried out; nil where it may.
    static func refusal(of command: Command) -> Failure? {
        switch command {
        case .create(let create), .plan(let create): refusal(of: create)
        case .exec: denied("exec runs programs of its caller's choice")
        default: nil
        }
    }

    private static func refusal(of create: Command.Create) -> Failure? {
        guard create.profile != nil else { return denied("create must name a profile") }
        for (key, value) in create.spec.map ?? [:] {
            guard key == "process" else { return denied("spec.\(key) is for the profile to say") }
            guard let process = value.map else { return denied("spec.process is for the profile to take away") }
            for key in process.keys where !ProfileBounds.process.contains(key) {
                return denied("spec.process.\(key) is for the profile to say")
            }
        }
        return nil
    }

    private static func denied(_ what: String) -> Failure {
        Failure(.permissionDenied, "\(what): your key allows containers from this host's profiles only (profiles_only)")
    }
}
