import Foundation

/// The runtime without a worker: run alone, and under conmon. Containers have the root that the worker made.
final class BareRuntime {
    private let program: String
    private let folder: String
    private let conmon: String?
    private var number = 0

    /// - Parameter stateDirectory: a worker's, in which it has made the root of the profile `busybox`.
    init(_ runtime: String, _ stateDirectory: String) throws {
        guard let program = BareRuntime.find(runtime) else { throw BenchFailure("there is no \(runtime)") }
        self.program = program
        conmon = BareRuntime.find("conmon")
        folder = stateDirectory + "/bare-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let namespaces = ["pid", "ipc", "uts", "mount", "network"].map { #"{"type":"\#($0)"}"# }.joined(separator: ",")
        let specification = """
            {"ociVersion":"1.0.2","process":{"args":["/bin/true"],"cwd":"/","env":["PATH=/bin"],"user":{"uid":0,"gid":0}},
            "root":{"path":"\(stateDirectory)/oci/busybox","readonly":true},"hostname":"bare",
            "mounts":[{"destination":"/proc","type":"proc","source":"proc"}],
            "linux":{"cgroupsPath":"/windlass-bench","namespaces":[\(namespaces)]}}
            """
        try specification.write(toFile: folder + "/config.json", atomically: false, encoding: .utf8)
    }

    private static func find(_ name: String) -> String? {
        ["/usr/local/bin", "/usr/bin", "/usr/sbin", "/usr/local/sbin"].map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    var hasConmon: Bool { conmon != nil }

    private func spawn(_ arguments: [String]) throws {
        var pid: pid_t = 0
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 {
            posix_spawn_file_actions_addopen(&actions, Int32(descriptor), "/dev/null", O_RDWR, 0)
        }
        let words = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        guard posix_spawn(&pid, arguments[0], &actions, nil, words + [nil], environ) == 0 else {
            throw BenchFailure("\(arguments[0]) cannot be run")
        }
        var status: Int32 = 0
        guard waitpid(pid, &status, 0) == pid, status == 0 else {
            throw BenchFailure("\(arguments.joined(separator: " ")) ended with the status \(status)")
        }
    }

    private func measured(_ body: () throws -> Void) rethrows -> Double {
        let start = ContinuousClock.now
        try body()
        return (.now - start) / .milliseconds(1)
    }

    private var nextID: String {
        number += 1
        return "bare-\(getpid())-\(number)"
    }

    /// The runtime's own `run`, in milliseconds.
    func run() throws -> Double {
        let id = nextID
        return try measured { try spawn([program, "--root", folder + "/state", "run", "--bundle", folder, id]) }
    }

    /// Create and start under conmon, until the exit code is there, in milliseconds; the deletion is not counted.
    func runUnderConmon() throws -> Double {
        guard let conmon else { throw BenchFailure("there is no conmon") }
        let (id, exits) = (nextID, folder + "/exits")
        try FileManager.default.createDirectory(atPath: exits, withIntermediateDirectories: true)
        let duration = try measured {
            try spawn([
                conmon, "--api-version", "1", "-c", id, "-u", id, "-r", program, "--runtime-arg", "--root",
                "--runtime-arg",
                folder + "/state", "-b", folder, "-p", "\(folder)/\(id).pid", "-P", "\(folder)/\(id).conmon", "-l",
                "k8s-file:\(folder)/\(id).log", "--exit-dir", exits, "--full-attach",
            ])
            let deadline = ContinuousClock.now + .seconds(20)
            while (try? spawn([program, "--root", folder + "/state", "start", id])) == nil,
                ContinuousClock.now < deadline
            {
                usleep(500)
            }
            while access("\(exits)/\(id)", F_OK) != 0, ContinuousClock.now < deadline { usleep(200) }
        }
        try spawn([program, "--root", folder + "/state", "delete", "--force", id])
        return duration
    }

    /// The runtime's own `exec` in a container of a worker, in milliseconds.
    func exec(_ worker: BenchWorker, _ id: String) throws -> Double {
        let owner = try String(contentsOfFile: worker.stateDirectory + "/owner", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        return try measured {
            try spawn([program, "--root", "/run/windlass/\(owner)/runtime", "exec", id, "/bin/true"])
        }
    }

    /// Removes what it made.
    func close() { try? FileManager.default.removeItem(atPath: folder) }
}
