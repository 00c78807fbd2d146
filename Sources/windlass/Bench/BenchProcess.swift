import Foundation

/// A process that a benchmark measures: this program again, as a worker or as a baseline.
final class BenchProcess {
    private let process = Process()
    private let output = Pipe()
    /// The first line that it printed.
    private(set) var firstLine = ""

    /// Starts this program with `arguments` and waits for the first line that it prints.
    /// - Parameter environment: what is added to this program's own.
    init(_ arguments: [String], environment: [String: String] = [:]) throws {
        process.executableURL = URL(
            fileURLWithPath: CommandLine.arguments[0].contains("/") ? CommandLine.arguments[0] : "/proc/self/exe")
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardInput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) {
            guard !byte.isEmpty else { break }
            line += byte
        }
        firstLine = String(decoding: line, as: UTF8.self)
        guard !firstLine.isEmpty else { throw BenchFailure("\(arguments.joined(separator: " ")) did not start") }
    }

    /// What a worker prints when it serves.
    struct Ready: Decodable {
        var commands: [String]
        var events: [String]
        var http: [String]
    }

    /// A worker's endpoints.
    func ready() throws -> Ready { try JSONDecoder().decode(Ready.self, from: Data(firstLine.utf8)) }

    /// Its id.
    var pid: Int32 { process.processIdentifier }

    /// Asks it to end, and waits.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Waits for its end.
    func wait() { process.waitUntilExit() }

    /// Resident memory in bytes.
    func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({
                Int($0)
            })
        else { throw BenchFailure("/proc/\(pid)/status has no VmRSS") }
        return kibibytes * 1024
    }
}

/// A worker that a benchmark measures, on the embedded emulator unless another driver is named.
final class BenchWorker {
    let process: BenchProcess
    /// Its command endpoint.
    let commands: String
    /// All of its command endpoints.
    let allCommands: [String]
    /// Its event endpoint.
    let events: String
    private let state: URL

    /// - Parameters:
    ///   - arguments: besides its own, which serve on loopback.
    ///   - environment: what is added to this program's own.
    ///   - driver: what runs its containers.
    init(_ arguments: [String] = [], environment: [String: String] = [:], driver: String = "emulator") throws {
        state = FileManager.default.temporaryDirectory.appendingPathComponent("windlass-bench-\(UUID().uuidString)")
        process = try BenchProcess(
            [
                "worker", "--driver", driver, "--commands", "tcp://127.0.0.1:*", "--events", "tcp://127.0.0.1:*",
                "--http", "none", "--state-dir", state.path, "--log-level", "error",
            ] + (driver == "emulator" ? ["--emulator-in-process"] : []) + arguments, environment: environment)
        let ready = try process.ready()
        commands = ready.commands.first ?? ""
        allCommands = ready.commands
        events = ready.events.first ?? ""
    }

    /// Its state directory.
    var stateDirectory: String { state.path }

    /// Stops it and removes what it kept.
    func stop() {
        process.stop()
        try? FileManager.default.removeItem(at: state)
    }
}

/// Why a benchmark could not measure.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// Nanoseconds, or the errno that a baseline answers below zero.
    static func check(_ result: Int64, _ what: String) throws -> Double {
        guard result >= 0 else { throw BenchFailure("\(what): \(String(cString: strerror(Int32(-result))))") }
        return Double(result)
    }
}

extension [Double] {
    /// The value in the middle.
    var median: Double {
        let sorted = sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }
}
