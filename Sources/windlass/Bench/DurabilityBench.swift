import ContainerProtocol
import Foundation
import MessagePack
import Worker
import WorkerClient
import ZeroMQ

/// What the journal costs: the same work with it on disk and in memory, in turns of one run.
struct DurabilityBench {
    /// How many turns each side gets.
    let turns: Int
    /// How many events one turn publishes.
    let events: UInt32

    /// Requests of one turn.
    private static let requests: UInt32 = 20_000
    private static let creations = 300

    func run() async throws {
        try compareEvents()
        let kept = try BenchWorker(environment: ["WINDLASS_JOURNAL": "disk"])
        defer { kept.stop() }
        let forgetful = try BenchWorker(environment: ["WINDLASS_JOURNAL": "memory"])
        defer { forgetful.stop() }
        try compareCreations(kept, forgetful)
        for worker in [kept, forgetful] {
            let client = try WorkerClient(worker.commands)
            try await BenchContainers.create(1, prefix: "c", on: client)
            await client.close()
        }
        try compareQuestions(kept, forgetful)
    }

    private func compareEvents() throws {
        let (event, _) = EventsBench.sample()
        var kept: [Double] = []
        var forgotten: [Double] = []
        for _ in 0..<turns {
            forgotten.append(Double(events) / (try EventsBench.publish(event, events, 1, journal: .memory) / 1e9))
            kept.append(Double(events) / (try EventsBench.publish(event, events, 1, journal: .disk) / 1e9))
        }
        Figure.value("events committed and published", kept.median, unit: "events/s", atLeast: 50_000)
        Figure.ratio(
            "events, journal on disk and in memory", ours: kept.median, baseline: forgotten.median, unit: "events/s")
    }

    private func compareQuestions(_ kept: BenchWorker, _ forgetful: BenchWorker) throws {
        var ours: [Double] = []
        var theirs: [Double] = []
        for _ in 0..<turns {
            theirs.append(try CommandsBench.medianLatency(forgetful.commands, DurabilityBench.requests))
            ours.append(try CommandsBench.medianLatency(kept.commands, DurabilityBench.requests))
        }
        Figure.ratio("state round trip, p50", ours: ours.median, baseline: theirs.median, unit: "µs", atMost: 1.1)
    }

    private func compareCreations(_ kept: BenchWorker, _ forgetful: BenchWorker) throws {
        var ours: [Double] = []
        var theirs: [Double] = []
        for turn in 0..<turns {
            theirs.append(try creation(forgetful, "t\(turn)-"))
            ours.append(try creation(kept, "t\(turn)-"))
        }
        let (ours50, theirs50) = (ours.median, theirs.median)
        Figure.ratio("create of a container, p50", ours: ours50, baseline: theirs50, unit: "ms")
        Figure.value("what the journal adds to a create, p50", ours50 - theirs50, unit: "ms", atMost: 1)
    }

    /// Creates and deletes containers, one after another.
    /// - Returns: the median time of a `create`, in milliseconds.
    private func creation(_ worker: BenchWorker, _ prefix: String) throws -> Double {
        let socket = try Socket(.dealer, in: try Context())
        try socket.set(.linger, 0)
        try socket.set(.receiveTimeout, 30_000)
        try socket.connect(worker.commands)
        let writer = Writer()
        func call(_ method: String, _ parameters: Value) throws {
            writer.clear()
            writer.value([0, 1, .string(method), [parameters]])
            try socket.send(writer.bytes, wait: true)
            guard try socket.receiveFrames(wait: true) != nil else { throw BenchFailure("no answer to \(method)") }
        }
        var durations: [Double] = []
        for number in 0..<DurabilityBench.creations {
            let id = Value.string("\(prefix)\(number)")
            let start = ContinuousClock.now
            try call("create", ["id": id, "spec": ["process": ["args": ["/bin/true"]]]])
            durations.append((.now - start) / .milliseconds(1))
            try call("wait", ["id": id])
            try call("delete", ["id": id])
        }
        return durations.median
    }
}
