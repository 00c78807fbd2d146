import ContainerDriver
import ContainerModel

/// The OCI `process` of a container or of an exec, with what it leaves out filled in. Pure.
struct ProcessConfiguration {
    /// What the runtime is given.
    private(set) var document: JSONObject
    /// What of it reaches no runtime, as dotted paths below the process.
    private(set) var ignored: [String]

    /// - Parameters:
    ///   - process: as it was given.
    ///   - path: its place, for messages.
    ///   - directory: where it begins if it does not say so.
    init(_ process: JSON, at path: String, directory: String = "/") throws(DriverFailure) {
        let filtered = KnownKeys.process.filter(process, at: "")
        document = filtered.value.object ?? JSONObject()
        ignored = filtered.ignored
        guard let arguments = document["args"]?.strings, arguments.first?.isEmpty == false else {
            throw DriverFailure(.invalidArgument, "\(path).args is missing: give the program and its arguments")
        }
        if let name = process["user"]?["username"]?.string, !name.isEmpty {
            throw DriverFailure(
                .invalidArgument,
                "\(path).user.username is \(name.prefix(100)), which is for Windows; give user.uid and user.gid")
        }
        let given = document["cwd"]?.string ?? ""
        let cwd = given.isEmpty ? directory : given
        guard cwd.hasPrefix("/") else {
            throw DriverFailure(.invalidArgument, "\(path).cwd must be an absolute path; it is \(cwd.prefix(200))")
        }
        document["cwd"] = .string(cwd)
        setDefaults()
    }

    private mutating func setDefaults() {
        var user = document[object: "user"]
        user["uid"] = user["uid"] ?? 0
        user["gid"] = user["gid"] ?? 0
        document["user"] = .object(user)
        var environment = document["env"]?.strings ?? []
        if !environment.contains(where: { $0.hasPrefix("PATH=") }) { environment.insert(BundleDefaults.path, at: 0) }
        if hasTerminal, !environment.contains(where: { $0.hasPrefix("TERM=") }) { environment.append("TERM=xterm") }
        document["env"] = JSON(environment)
        document["capabilities"] = document["capabilities"] ?? BundleDefaults.capabilities
        document["noNewPrivileges"] = document["noNewPrivileges"] ?? true
        document["terminal"] = .bool(hasTerminal)
        if !hasTerminal, document["consoleSize"] != nil {
            document["consoleSize"] = nil
        }
    }

    var hasTerminal: Bool { document["terminal"]?.bool ?? false }

    var directory: String { document["cwd"]?.string ?? "/" }

    /// The terminal's size, where one was given.
    var size: ConsoleSize? {
        guard let size = document["consoleSize"], let width = size["width"]?.unsigned,
            let height = size["height"]?.unsigned
        else { return nil }
        return ConsoleSize(width: UInt16(clamping: width), height: UInt16(clamping: height))
    }
}
