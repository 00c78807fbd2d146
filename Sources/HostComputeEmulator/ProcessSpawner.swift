import CHostCompute
import CLinux
import Glibc

/// Starts a program with posix_spawn: no copy of the worker's address space, nothing of its environment, its signals or
/// its descriptors.
struct ProcessSpawner {
    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The folder that is home, and the working directory unless the document names one.
    let scratch: String
    let document: EmulatedProcessDocument

    func spawn(_ streams: ProcessStreams) throws(HostFailure) -> pid_t {
        try checkUser()
        let environment = makeEnvironment()
        let program = try find(document.arguments[0], path: environment.path)
        let directory = document.workingDirectory.isEmpty ? scratch : document.workingDirectory

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        switch streams.child {
        case .terminal(let path):
            // The child has just begun its session, so the terminal that it opens becomes its controlling one.
            posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
        case .pipes(let ends):
            for (number, end) in ends.enumerated() {
                if end >= 0 {
                    posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
                } else {
                    posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
                }
            }
        }
        linux_close_above(&actions, 2)
        linux_change_folder(&actions, directory)
        var attributes = posix_spawnattr_t()
        linux_own_session(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }

        var pid: pid_t = 0
        let arguments = document.arguments.map { strdup($0) }
        let variables = environment.entries.map { strdup($0) }
        defer { for text in arguments + variables { free(text) } }
        let status = posix_spawn(&pid, program, &actions, &attributes, arguments + [nil], variables + [nil])
        guard status == 0 else { throw failure(status, program: program, directory: directory) }
        return pid
    }

    /// The minimal environment under the document's own.
    private func makeEnvironment() -> (entries: [String], path: String) {
        var variables = ["PATH": ProcessSpawner.path, "HOME": scratch, "LANG": "C.UTF-8"]
        if document.console != nil { variables["TERM"] = "xterm" }
        for (key, value) in document.environment { variables[key] = value }
        return (variables.map { "\($0.key)=\($0.value)" }, variables["PATH"] ?? "")
    }

    /// Another user needs privileges that the emulator does not ask for.
    private func checkUser() throws(HostFailure) {
        if document.user.isEmpty || document.user == String(geteuid()) { return }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getpwnam_r(document.user, &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw HostFailure(code: ResultCode.noSuchUser, message: "The user '\(document.user)' does not exist.")
        }
        guard entry.pw_uid == geteuid() else {
            throw HostFailure(
                code: ResultCode.privilegeNotHeld,
                message: "The emulator runs processes as its own user only, not as '\(document.user)'.")
        }
    }

    /// The program's file: a path as it is, a plain name from the folders of PATH.
    private func find(_ name: String, path: String) throws(HostFailure) -> String {
        guard !name.isEmpty else { throw ProcessSpawner.notFound(name) }
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        var denied = false
        for folder in path.split(separator: ":") {
            let candidate = "\(folder)/\(name)"
            var status = stat()
            guard stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            if access(candidate, X_OK) == 0 { return candidate }
            denied = true
        }
        throw denied ? ProcessSpawner.denied(name) : ProcessSpawner.notFound(name)
    }

    private static func notFound(_ program: String) -> HostFailure {
        HostFailure(
            code: ResultCode.fileNotFound, message: "The system cannot find the file specified: '\(program)'.")
    }

    private static func denied(_ program: String) -> HostFailure {
        HostFailure(code: ResultCode.accessDenied, message: "Access is denied: '\(program)' cannot be executed.")
    }

    /// Finds out which step of posix_spawn failed, which it does not report itself.
    private func failure(_ status: Int32, program: String, directory: String) -> HostFailure {
        var entry = stat()
        let isFolder = stat(directory, &entry) == 0 && entry.st_mode & S_IFMT == S_IFDIR
        if !isFolder || access(directory, X_OK) != 0 {
            return HostFailure(
                code: ResultCode.invalidDirectory, message: "The directory name is invalid: '\(directory)'.")
        }
        switch status {
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG: return ProcessSpawner.notFound(program)
        case EACCES, EPERM, EISDIR, ETXTBSY: return ProcessSpawner.denied(program)
        case ENOEXEC:
            return HostFailure(
                code: ResultCode.badExecutableFormat, message: "'\(program)' is not a valid application.")
        case E2BIG:
            return HostFailure(
                code: ResultCode.argumentsTooLong, message: "The arguments and environment are too long.")
        default:
            return HostFailure(
                code: ResultCode.exhausted(status),
                message: "'\(program)' could not be started: \(String(cString: strerror(status))).")
        }
    }
}
