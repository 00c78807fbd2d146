import ContainerProtocol
import Foundation

/// The `tar` of this host, at the other end of a stream.
final class LocalTar: Sendable {
    private let process: Process
    private let input = Pipe()
    private let output = Pipe()
    private let errors = Pipe()

    /// Starts it.
    init(_ arguments: [String]) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["tar"] + arguments
        process.standardInput = input
        process.standardOutput = output
        process.standardError = errors
        // A reader that has gone is found by the write, and does not end this program.
        Terminal.surviveClosedOutput()
        do {
            try process.run()
        } catch {
            throw Failure(.unavailable, "tar could not be run here: \(error.localizedDescription)")
        }
        try? output.fileHandleForWriting.close()
        try? errors.fileHandleForWriting.close()
        try? input.fileHandleForReading.close()
    }

    /// The next bytes of the archive that it makes; empty at the end. Holds the thread.
    func read() throws -> [UInt8] { Array(try output.fileHandleForReading.read(upToCount: 64 * 1024) ?? Data()) }

    /// Gives it bytes of an archive. Holds the thread.
    func write(_ bytes: [UInt8]) throws { try input.fileHandleForWriting.write(contentsOf: Data(bytes)) }

    /// Ends its input, and waits for its end. Holds the thread.
    /// - Throws: where it has failed, in its own words.
    func finish() throws {
        try? input.fileHandleForWriting.close()
        let text = String(decoding: (try? errors.fileHandleForReading.readToEnd()) ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let reason = text.split(separator: "\n").first.map(String.init) ?? "exit code \(process.terminationStatus)"
            throw Failure(.failedPrecondition, "tar here failed: \(reason)")
        }
    }

    /// Ends it at once.
    func kill() { process.terminate() }
}
