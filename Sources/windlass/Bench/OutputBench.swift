import ArgumentParser
import Foundation

/// `windlass bench output`: the output of a container through `run`, against the same program behind a pipe.
struct OutputBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "output",
        abstract: "Measure `run | wc -c` against the same program behind a bare pipe.")

    @Option(help: "How many bytes one turn passes on.")
    var bytes = 1_000_000_000

    @Option(help: "How many turns each side gets.")
    var turns = 3

    @Option(
        name: .customLong("program"),
        help: "What writes, as a shell command; BYTES in it is the number of bytes.")
    var program = "head -c BYTES /dev/zero"

    func run() throws {
        let worker = try BenchWorker()
        defer { worker.stop() }
        let script = program.replacing("BYTES", with: "\(bytes)")
        var (ours, theirs): ([Double], [Double]) = ([], [])
        // Once before, so that the programs are in memory.
        _ = try rate(["/bin/sh", "-c", script])
        _ = try rate(run(worker, "true"), 0)
        let before = try worker.process.residentBytes()
        var most = before
        for _ in 0..<turns {
            theirs.append(try rate(["/bin/sh", "-c", script]))
            ours.append(try rate(run(worker, script)))
            most = max(most, try worker.process.residentBytes())
        }
        Figure.ratio(
            "output through run", ours: ours.median, baseline: theirs.median, unit: "MB/s", atLeast: 0.5)
        Figure.value("growth of the worker", Double(most - before) / 1e6, unit: "MB", atMost: 64)
    }

    private func run(_ worker: BenchWorker, _ script: String) -> [String] {
        ["/proc/self/exe", "run", "--rm", "--worker", worker.commands, "--", "/bin/sh", "-c", script]
    }

    /// Megabytes in a second that a program writes to a pipe whose reader counts them.
    private func rate(_ words: [String], _ expected: Int? = nil) throws -> Double {
        let (program, counter) = (Process(), Process())
        let (pipe, count) = (Pipe(), Pipe())
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        program.executableURL = URL(fileURLWithPath: words[0] == "/proc/self/exe" ? own : words[0])
        program.arguments = Array(words.dropFirst())
        program.standardInput = FileHandle.nullDevice
        program.standardOutput = pipe
        counter.executableURL = URL(fileURLWithPath: "/usr/bin/wc")
        counter.arguments = ["-c"]
        counter.standardInput = pipe
        counter.standardOutput = count
        let begin = ContinuousClock.now
        try counter.run()
        try program.run()
        try? pipe.fileHandleForWriting.close()
        try? pipe.fileHandleForReading.close()
        let text = try count.fileHandleForReading.readToEnd().map { String(decoding: $0, as: UTF8.self) } ?? ""
        program.waitUntilExit()
        counter.waitUntilExit()
        let duration = (ContinuousClock.now - begin) / .seconds(1)
        let expected = expected ?? bytes
        guard program.terminationStatus == 0, Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) == expected
        else {
            throw BenchFailure(
                "\(words.joined(separator: " ")) passed \(text) of \(expected) bytes on, and ended with "
                    + "\(program.terminationStatus)")
        }
        return Double(expected) / duration / 1e6
    }
}
