import Foundation
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// The emulator as a service in a process of its own, for all tests that want one: what a worker leaves there outlives it.
enum EmulatorProcess {
    struct Running: Sendable {
        let socket: String
        let root: String

        /// Lets the service open no file while `body` runs.
        func withoutDescriptors<Result>(_ body: () throws -> Result) throws -> Result {
            try limitDescriptors("3:")
            defer { try? limitDescriptors("1024:") }
            return try body()
        }

        private func limitDescriptors(_ limit: String) throws {
            let tool = try Process.run(
                URL(fileURLWithPath: "/usr/bin/prlimit"),
                arguments: ["--pid", "\(EmulatorProcess.process.processIdentifier)", "--nofile=\(limit)"])
            tool.waitUntilExit()
            try #require(tool.terminationStatus == 0)
        }
    }

    /// Nil where it could not be started.
    static let shared: Running? = {
        let running = Running(socket: folder + "/emulator.sock", root: folder + "/root")
        // Beside the tests: the package builds both into one folder.
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.executableURL = tests.deletingLastPathComponent().appendingPathComponent("windlass")
        process.arguments = ["hcs-emulator", "--socket", running.socket, "--root", running.root]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        do { try process.run() } catch { return nil }
        atexit {
            EmulatorProcess.process.terminate()
            EmulatorProcess.process.waitUntilExit()
            try? FileManager.default.removeItem(atPath: EmulatorProcess.folder)
        }
        let ready = output.fileHandleForReading.availableData
        return String(decoding: ready, as: UTF8.self).contains(#""ready":true"#) ? running : nil
    }()

    private static let process = Process()

    private static var folder: String {
        let name = "windlass-service-tests-\(ProcessInfo.processInfo.processIdentifier)"
        return FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    }
}
