import ArgumentParser
import Baselines
import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack
import WorkerClient
import ZeroMQ

/// `windlass bench commands`: a `state` round trip through the whole worker against a bare ROUTER.
struct CommandsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commands", abstract: "A state round trip against a bare ROUTER that packs the same bodies.")

    @Option(help: "How many turns each side gets.")
    var turns = 7
    @Option(help: "How many requests one turn sends.")
    var requests: UInt32 = 100_000
    @Option(help: "How many containers the worker has.")
    var containers: UInt32 = 10_000

    func run() async throws {
        let worker = try BenchWorker()
        defer { worker.stop() }
        let client = try WorkerClient(worker.commands)
        try await BenchContainers.create(containers, prefix: "c", on: client)
        await client.close()
        let reply = try CommandsBench.stateReply(worker.commands)
        let echo = try BenchProcess(["bench", "baseline", "echo", reply.map { String(format: "%02x", $0) }.joined()])
        defer {
            _ = baseline_end(echo.firstLine)
            echo.wait()
        }
        print("state round trip; \(turns) turns of \(requests) requests each, medians")
        try compare("throughput, 64 in flight", worker, echo, ids: 1, inFlight: 64, atLeast: 0.5)
        try compare(
            "throughput, 1000 in flight, \(containers) containers", worker, echo, ids: containers, inFlight: 1000,
            atLeast: 0.35)
        try compareLatency(worker, echo)
    }

    private func compare(
        _ name: String, _ worker: BenchWorker, _ echo: BenchProcess, ids: UInt32, inFlight: UInt32, atLeast goal: Double
    ) throws {
        var ours: [Double] = []
        var bare: [Double] = []
        for _ in 0..<turns {
            bare.append(try perSecond(baseline_load(echo.firstLine, "c", ids, requests, inFlight, nil)))
            ours.append(try perSecond(baseline_load(worker.commands, "c", ids, requests, inFlight, nil)))
        }
        Figure.ratio(name, ours: ours.median, baseline: bare.median, unit: "requests/s", atLeast: goal)
    }

    private func perSecond(_ nanoseconds: Int64) throws -> Double {
        Double(requests) / (try BenchFailure.check(nanoseconds, "the load") / 1e9)
    }

    private func compareLatency(_ worker: BenchWorker, _ echo: BenchProcess) throws {
        let count = requests / 10
        var ours: [Double] = []
        var bare: [Double] = []
        for _ in 0..<turns {
            bare.append(try CommandsBench.medianLatency(echo.firstLine, count))
            ours.append(try CommandsBench.medianLatency(worker.commands, count))
        }
        Figure.ratio("p50, one in flight", ours: ours.median, baseline: bare.median, unit: "µs", atMost: 1.5)
    }

    static func medianLatency(_ endpoint: String, _ count: UInt32) throws -> Double {
        var latencies = [UInt64](repeating: 0, count: Int(count))
        _ = try BenchFailure.check(baseline_load(endpoint, "c", 1, count, 1, &latencies), "the load")
        return Double(latencies.sorted()[latencies.count / 2]) / 1000
    }

    /// What the worker answers to `state`, byte by byte: the bare ROUTER packs the same.
    private static func stateReply(_ endpoint: String) throws -> [UInt8] {
        let socket = try Socket(.dealer, in: try Context())
        try socket.set(.linger, 0)
        try socket.set(.receiveTimeout, 5000)
        try socket.connect(endpoint)
        let writer = Writer()
        writer.value([0, 1, "state", [["id": "c0"]]])
        try socket.send(writer.bytes)
        guard let reply = try socket.receiveFrames(wait: true)?.first else {
            throw BenchFailure("the worker does not answer")
        }
        return reply
    }
}

/// Containers that a benchmark needs.
enum BenchContainers {
    /// Creates containers that are not started, a few at a time.
    static func create(_ count: UInt32, prefix: String, on client: WorkerClient) async throws {
        let process: Value = ["process": ["args": ["/bin/true"]]]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                if number >= 64 { try await group.next() }
                group.addTask {
                    guard let id = ContainerID("\(prefix)\(number)") else { return }
                    try await client.create(id, process, start: false)
                }
            }
            try await group.waitForAll()
        }
    }
}
