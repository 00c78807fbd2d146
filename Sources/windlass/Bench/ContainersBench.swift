import ArgumentParser
import Baselines
import ContainerProtocol
import Foundation
import MessagePack
import WorkerClient
import ZeroMQ

/// `windlass bench containers`: memory of idle containers, and containers from create to exit against posix_spawn.
struct ContainersBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "containers",
        abstract: "Memory of idle containers; create to exit of /bin/true against posix_spawn and waitpid.")

    @Option(help: "How many idle containers.")
    var idle: UInt32 = 100_000
    @Option(help: "How many turns each side gets.")
    var turns = 5
    @Option(help: "How many containers one turn runs.")
    var containers: UInt32 = 2000
    @Option(help: "How many of them at a time.")
    var atATime: UInt32 = 8

    func run() async throws {
        try await measureIdle()
        try measureLife()
    }

    private func measureIdle() async throws {
        let worker = try BenchWorker()
        defer { worker.stop() }
        let client = try WorkerClient(worker.commands)
        // Threads and buffers that the first containers bring with them must not be counted for the later ones.
        try await BenchContainers.create(1000, prefix: "warm", on: client)
        let before = try worker.process.residentBytes()
        try await BenchContainers.create(idle, prefix: "idle", on: client)
        let after = try worker.process.residentBytes()
        await client.close()
        Figure.value(
            "resident memory per idle container", Double(after - before) / Double(idle) / 1024,
            unit: "KiB each at \(idle)", atMost: 6)
    }

    private func measureLife() throws {
        let worker = try BenchWorker()
        defer { worker.stop() }
        var ours: [Double] = []
        var bare: [Double] = []
        for turn in 0..<turns {
            let spawn = try BenchProcess(["bench", "baseline", "spawn", "/bin/true", "\(containers)", "\(atATime)"])
            spawn.wait()
            bare.append(
                Double(containers) / (try BenchFailure.check(Int64(spawn.firstLine) ?? -1, "posix_spawn") / 1e9))
            ours.append(try runContainers(worker, prefix: "t\(turn)-"))
        }
        Figure.ratio(
            "create to exit of /bin/true, \(atATime) at a time", ours: ours.median, baseline: bare.median,
            unit: "containers/s", atLeast: 0.6)
    }

    /// Creates containers, the next one when one has exited; deletes all of them afterwards.
    /// - Returns: containers a second, from the first create to the last exit event.
    private func runContainers(_ worker: BenchWorker, prefix: String) throws -> Double {
        let context = try Context()
        let commands = try Socket(.dealer, in: context)
        let events = try Socket(.subscribe, in: context)
        for socket in [commands, events] {
            try socket.set(.linger, 0)
            try socket.set(.receiveTimeout, 30_000)
        }
        try events.set(.subscribe, "exit/")
        try events.connect(worker.events)
        try commands.connect(worker.commands)
        // The welcome confirms the subscription.
        guard try events.receiveFrames(wait: true) != nil else { throw BenchFailure("no welcome") }

        let writer = Writer()
        func send(_ method: String, _ parameters: Value) throws {
            writer.clear()
            writer.value([0, 1, .string(method), [parameters]])
            try commands.send(writer.bytes, wait: true)
        }
        let start = ContinuousClock.now
        var created: UInt32 = 0
        var exited: UInt32 = 0
        while exited < containers {
            while created < containers, created - exited < atATime {
                try send(
                    "create", ["id": .string("\(prefix)\(created)"), "spec": ["process": ["args": ["/bin/true"]]]])
                created += 1
            }
            guard try events.receiveFrames(wait: true) != nil else {
                throw BenchFailure("\(exited) of \(containers) exits came, and then no more")
            }
            exited += 1
            while try commands.receiveFrames() != nil {}
        }
        let duration = ContinuousClock.now - start
        for number in 0..<containers {
            try send("delete", ["id": .string("\(prefix)\(number)")])
            _ = try commands.receiveFrames(wait: true)
        }
        return Double(containers) / (duration / .seconds(1))
    }
}
