import ArgumentParser
import Baselines
import Foundation

/// What `windlass bench` starts as the other side. Not for people.
struct BaselineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline", abstract: "The other side of a benchmark.", shouldDisplay: false,
        subcommands: [Echo.self, Spawn.self])

    /// A bare ROUTER that packs and unpacks with msgpack-c.
    struct Echo: ParsableCommand {
        @Argument(help: "The reply, in hexadecimal digits.")
        var reply: String

        func run() throws {
            let digits = Array(reply)
            let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
                UInt8(String(digits[$0...$0 + 1]), radix: 16)
            }
            let status = baseline_echo("tcp://127.0.0.1:*", bytes, bytes.count, 1)
            guard status == 0 else { throw BenchFailure("the echo ended with \(status)") }
        }
    }

    /// A posix_spawn and waitpid loop.
    struct Spawn: ParsableCommand {
        @Argument var program: String
        @Argument var count: UInt32
        @Argument var atATime: UInt32

        func run() throws { print(baseline_spawn(program, count, atATime)) }
    }
}
