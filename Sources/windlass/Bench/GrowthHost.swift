import Foundation

/// An emulator service, and one worker after another that finds its containers again.
final class GrowthHost {
    private let folder: URL
    private let service: BenchProcess
    private(set) var worker: BenchProcess
    /// The worker's command endpoint, the same for every worker.
    let commands: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("windlass-growth-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        commands = "ipc://\(folder.path)/commands"
        let socket = folder.appendingPathComponent("emulator").path
        let root = folder.appendingPathComponent("root").path
        service = try BenchProcess(["hcs-emulator", "--socket", socket, "--root", root, "--log-level", "error"])
        worker = try GrowthHost.startWorker(folder)
    }

    private static func startWorker(_ folder: URL) throws -> BenchProcess {
        try BenchProcess([
            "worker", "--driver", "emulator", "--emulator-socket", folder.appendingPathComponent("emulator").path,
            "--commands", "ipc://\(folder.path)/commands", "--events", "ipc://\(folder.path)/events",
            "--http", "tcp://127.0.0.1:*",
            "--state-dir", folder.appendingPathComponent("state").path, "--log-level", "error",
        ])
    }

    /// A page of the worker that runs now.
    func page(_ path: String) throws -> String { try BenchPage(worker.ready().http.first ?? "").get(path) }

    /// Ends the worker; the containers stay.
    func stopWorker() { worker.stop() }

    /// Starts the next worker, and waits for its ready line.
    func startWorker() throws { worker = try GrowthHost.startWorker(folder) }

    /// Ends everything.
    func stop() {
        worker.stop()
        service.stop()
        try? FileManager.default.removeItem(at: folder)
    }
}
