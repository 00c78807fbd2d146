import CHostCompute
import Glibc

/// Starts a program: no copy of the worker's address space, nothing of its environment, its signals, its umask, its
/// descriptors and its raised limits.
struct ProcessSpawner {
    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The folder that is home, and the working directory unless the document names one.
    let scratch: String
    let document: EmulatedProcessDocument
    /// How many descriptors it may have; nil for as many as this program.
    let descriptors: Int?

    func spawn(_ streams: ProcessStreams) throws(HostFailure) -> pid_t {
        try checkUser()
        let environment = makeEnvironment()
        let program = try find(document.arguments[0], path: environment.path)
        let directory = document.workingDirectory.isEmpty ? scratch : document.workingDirectory

        let arguments = document.arguments.map { strdup($0) }
        let variables = environment.entries.map { strdup($0) }
        let texts = [strdup(program), strdup(directory), streams.terminalPath.map { strdup($0) } ?? nil]
        defer { for text in arguments + variables + texts { free(text) } }
        var request = hc_spawn_request()
        request.program = UnsafePointer(texts[0])
        request.directory = UnsafePointer(texts[1])
        request.terminal = UnsafePointer(texts[2])
        request.streams = streams.childEnds
        request.descriptors = UInt64(max(0, descriptors ?? 0))
        var pid: Int32 = 0
        let status = (arguments + [nil]).withUnsafeBufferPointer { arguments in
            (variables + [nil]).withUnsafeBufferPointer { variables in
                request.arguments = arguments.baseAddress
                request.environment = variables.baseAddress
                return hc_spawn(&request, &pid)
            }
        }
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

    /// Finds out which step failed.
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
