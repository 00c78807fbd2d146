import ArgumentParser
import Baselines
import Foundation
import MessagePack
import Worker
import WorkerClient
import ZeroMQ

/// `windlass bench secure`: what encryption costs, the same worker once in the clear and once by CURVE.
struct SecureBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secure", abstract: "Requests, events and handshakes by CURVE against the same in the clear.")

    @Option(help: "How many turns each side gets.")
    var turns = 5
    @Option(help: "How many requests one turn sends.")
    var requests: UInt32 = 50_000
    @Option(help: "How many events one turn publishes.")
    var events: UInt32 = 100_000
    @Option(help: "How many handshakes one turn makes.")
    var handshakes = 100
    @Option(help: "How many clients come back after a restart.")
    var clients = 100

    func run() async throws {
        let keys = try BenchKeys()
        defer { keys.remove() }
        let arguments = ["--commands", "tcp://0.0.0.0:*"] + keys.arguments
        let worker = try BenchWorker(arguments, environment: keys.environment)
        defer { worker.stop() }
        let client = try WorkerClient(worker.commands)
        try await BenchContainers.create(1, prefix: "c", on: client)
        await client.close()
        let secure = worker.allCommands[1].replacing("0.0.0.0", with: "127.0.0.1")
        print("CURVE against the clear; \(turns) turns each, medians")
        try compareThroughput(worker.commands, secure, keys)
        try compareLatency(worker.commands, secure, keys)
        try compareEvents(keys)
        try compareHandshakes(worker.commands, secure, keys)
        try measureReturn(keys)
    }

    private func compareThroughput(_ clear: String, _ secure: String, _ keys: BenchKeys) throws {
        let load = { (endpoint: String) in
            Double(requests)
                / (try BenchFailure.check(baseline_load(endpoint, "c", 1, requests, 64, nil), "the load") / 1e9)
        }
        let (open, closed) = try inTurns({ try load(clear) }, { try keys.using { try load(secure) } })
        Figure.ratio("state, 64 in flight", ours: closed, baseline: open, unit: "requests/s", atLeast: 0.27)
    }

    private func compareLatency(_ clear: String, _ secure: String, _ keys: BenchKeys) throws {
        let count = requests / 10
        let (open, closed) = try inTurns(
            { try CommandsBench.medianLatency(clear, count) },
            { try keys.using { try CommandsBench.medianLatency(secure, count) } })
        Figure.ratio("p50, one in flight", ours: closed, baseline: open, unit: "µs", atMost: 1.3)
    }

    private func compareEvents(_ keys: BenchKeys) throws {
        let event = EventsBench.sample().event
        for subscribers in [UInt32(1), 8] {
            let count = subscribers == 1 ? events : events / 4
            let (open, closed) = try inTurns(
                { Double(count) / (try EventsBench.publish(event, count, subscribers, journal: .memory) / 1e9) },
                {
                    try keys.using {
                        Double(count)
                            / (try EventsBench.publish(event, count, subscribers, journal: .memory, keys: keys) / 1e9)
                    }
                })
            Figure.ratio(
                "events to \(subscribers) subscriber\(subscribers == 1 ? "" : "s")", ours: closed, baseline: open,
                unit: "events/s", atLeast: 0.27)
        }
    }

    private func compareHandshakes(_ clear: String, _ secure: String, _ keys: BenchKeys) throws {
        let make = { (endpoint: String, keys: BenchKeys?) in
            let start = ContinuousClock.now
            for _ in 0..<handshakes { _ = try BenchPeer(endpoint, keys: keys).ask("ping") }
            return Double(handshakes) / ((ContinuousClock.now - start) / .seconds(1))
        }
        let (open, closed) = try inTurns({ try make(clear, nil) }, { try make(secure, keys) })
        Figure.ratio("connect and ping, one after another", ours: closed, baseline: open, unit: "a second")
    }

    /// The time from a worker's ready line until all its clients have an answer.
    private func measureReturn(_ keys: BenchKeys) throws {
        var worker = try BenchWorker(
            ["--commands", "tcp://0.0.0.0:*"] + keys.arguments, environment: keys.environment)
        let port = worker.allCommands[1].split(separator: ":").last ?? ""
        let peers = try (0..<clients).map { _ in try BenchPeer("tcp://127.0.0.1:\(port)", keys: keys) }
        for peer in peers { _ = try peer.ask("ping") }
        worker.stop()
        for peer in peers { try peer.send("ping", [:]) }
        worker = try BenchWorker(
            ["--commands", "tcp://0.0.0.0:\(port)"] + keys.arguments, environment: keys.environment)
        defer { worker.stop() }
        let start = ContinuousClock.now
        for peer in peers { _ = try peer.result(try peer.receive()) }
        Figure.value(
            "\(clients) clients back after a restart", (ContinuousClock.now - start) / .seconds(1), unit: "s", atMost: 1
        )
    }

    private func inTurns(
        _ clear: () throws -> Double, _ secure: () throws -> Double
    ) rethrows -> (clear: Double, secure: Double) {
        var (open, closed): ([Double], [Double]) = ([], [])
        for _ in 0..<turns {
            open.append(try clear())
            closed.append(try secure())
        }
        return (open.median, closed.median)
    }
}
