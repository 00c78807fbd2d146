import ArgumentParser
import Baselines
import ContainerModel
import ContainerProtocol
import Foundation
import Logging
import MessagePack
import Worker
import ZeroMQ

/// `windlass bench events`: events through the worker's log and publisher to subscribers, against a bare PUB.
struct EventsBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Published events, end to end, against a bare PUB.")

    @Option(help: "How many turns each side gets.")
    var turns = 5
    @Option(help: "How many events one turn publishes.")
    var events: UInt32 = 200_000
    @Flag(help: "Measure what the journal costs instead: on disk against in memory.")
    var durable = false

    func run() async throws {
        if durable { return try await DurabilityBench(turns: turns, events: events).run() }
        let bench = EventsBench.sample()
        print("events of \(bench.body.count) bytes, end to end; \(turns) turns of \(events) events each, medians")
        for subscribers in [UInt32(1), 8] {
            let count = subscribers == 1 ? events : events / 4
            var ours: [Double] = []
            var bare: [Double] = []
            for _ in 0..<turns {
                let topic = Array("exit/bench".utf8)
                let baseline = baseline_publish(topic, topic.count, bench.body, bench.body.count, count, subscribers)
                bare.append(Double(count) / (try BenchFailure.check(baseline, "the bare PUB") / 1e9))
                ours.append(
                    Double(count) / (try EventsBench.publish(bench.event, count, subscribers, journal: .memory) / 1e9))
            }
            Figure.ratio(
                "events to \(subscribers) subscriber\(subscribers == 1 ? "" : "s")", ours: ours.median,
                baseline: bare.median, unit: "events/s", atLeast: 0.5)
        }
    }

    /// Publishes through the worker's own publisher and journal, in this process.
    /// - Parameter keys: for subscribers by CURVE.
    static func publish(
        _ event: Event, _ count: UInt32, _ subscribers: UInt32, journal: WorkerConfiguration.JournalPlace,
        keys: BenchKeys? = nil
    ) throws -> Double {
        let state = FileManager.default.temporaryDirectory.appendingPathComponent("windlass-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: state, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: state) }
        var configuration = WorkerConfiguration(host: "bench", stateDirectory: state.path)
        configuration.journal = journal
        configuration.eventEndpoints = [keys == nil ? "tcp://127.0.0.1:*" : "tcp://0.0.0.0:*"]
        configuration.access.serverKey = keys?.serverKey
        configuration.access.clientsDirectory = keys?.clientsDirectory ?? ""
        configuration.access.principalConnections = 1000
        // As the bare PUB does: no event is given up for a slow subscriber.
        configuration.limits.highWaterMark = 0
        let load = try EventLoad(configuration: configuration, event: event, count: count)
        defer { load.stop() }
        let result = withExtendedLifetime(load) {
            let context = Unmanaged.passUnretained(load).toOpaque()
            return baseline_subscribe(
                load.endpoint.replacing("0.0.0.0", with: "127.0.0.1"), "exit/bench", count, subscribers,
                { context in
                    guard let context else { return }
                    Unmanaged<EventLoad>.fromOpaque(context).takeUnretainedValue().begin()
                }, context)
        }
        return try BenchFailure.check(result, "the subscribers")
    }

    /// An exit as it happens every day, and its body.
    static func sample() -> (event: Event, body: [UInt8]) {
        var event = Event(.exit, ContainerID("bench"))
        event.process = .initial
        event.pid = 4711
        event.exit = Exit(code: 0, reason: .exited, at: .now, observedBy: .driver)
        event.isUpdatePending = false
        event.state = .stopped
        var numbered = event
        numbered.host = "bench"
        numbered.epoch = 1
        numbered.seq = 100_000
        let writer = Writer()
        numbered.encode(to: writer)
        return (event, writer.bytes)
    }
}
