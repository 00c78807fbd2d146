import Foundation
import Testing
import WorkerClient

/// A worker in a process of its own, which a test kills and starts anew at the same endpoints.
final class WorkerProcess {
    private let folder: URL
    private var process: ChildProcess?
    let commands: String
    let events: String

    init() async throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "windlass-restart-\(UUID().uuidString.prefix(13))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        commands = "ipc://\(folder.path)/commands"
        events = "ipc://\(folder.path)/events"
        try await start()
    }

    deinit {
        process?.signal(SIGKILL)
        process?.wait()
        try? FileManager.default.removeItem(at: folder)
    }

    /// Starts it, and waits until it serves.
    func start() async throws {
        let process = try ChildProcess([
            "worker", "--driver", "emulator", "--emulator-in-process", "--commands", commands, "--events", events,
            "--state-dir", folder.appendingPathComponent("state").path, "--host", "restart", "--log-level", "error",
        ])
        self.process = process
        #expect(await process.line { $0.contains(#""ready":true"#) } != nil, "the worker did not start")
    }

    /// Kills it, and waits until it is gone.
    func kill() async {
        guard let process else { return }
        process.signal(SIGKILL)
        await process.exit()
        self.process = nil
    }
}
