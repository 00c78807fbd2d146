import ArgumentParser
import Foundation
import MessagePack

/// `windlass bench growth`: what idle containers cost, and that no request about all of them holds up the others.
struct GrowthBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "growth",
        abstract: "What idle containers cost: memory, questions about all of them, a restart, and the others' waits.",
        discussion: """
            The containers are kept by an emulator service, so that they outlive the worker. They are created and not \
            started, unless --started is given: each of them is a process then.
            """)

    @Argument(help: "How many containers, one size after another.")
    var sizes: [Int] = [1000, 10_000]
    @Flag(help: "Start a sleeping process in each container.")
    var started = false

    func run() async throws {
        for size in sizes {
            guard size > 0 else { throw ValidationError("there is nothing to measure of \(size) containers") }
            let host = try GrowthHost()
            defer { host.stop() }
            try GrowthMeasurement(size: size, started: started, host: host).run()
        }
    }
}
