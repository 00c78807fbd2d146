/// An OCI runtime of the host.
struct Runtime: Equatable, Sendable {
    enum Kind: String, Sendable {
        case runc, crun
        /// One that behaves as the OCI specification says, and of which nothing else is known.
        case other
    }

    let path: String
    let kind: Kind
    /// As it says itself.
    let version: String

    /// How a supervisor lets a created container run.
    enum StartWay: String {
        /// Opens `exec.fifo` to read, as runc's own `start` does.
        case fifoRead = "fifo-read"
        /// Opens it to write, as crun's does.
        case fifoWrite = "fifo-write"
        /// Runs the runtime's `start`.
        case command
    }

    /// - Parameter output: of `RUNTIME --version`.
    init(path: String, output: String) {
        self.path = path
        let words = output.split { $0 == " " || $0 == "\n" }
        // "runc version 1.1.5+ds1", "crun version 1.8.1"
        kind = words.first.flatMap { Kind(rawValue: String($0)) } ?? .other
        version = words.count > 2 && words[1] == "version" ? String(words[2]) : "of unknown version"
    }

    var description: String { kind == .other ? "\(path) \(version)" : "\(kind.rawValue) \(version)" }

    /// The short way is internal to the runtimes, so it is taken with versions only in which it was tried.
    func startWay(hasHooks: Bool) -> StartWay {
        // The runtime's own start runs hooks.
        if hasHooks { return .command }
        switch kind {
        case .runc where version.hasPrefix("1.1."): return .fifoRead
        case .crun where version.hasPrefix("1.8."): return .fifoWrite
        default: return .command
        }
    }
}
