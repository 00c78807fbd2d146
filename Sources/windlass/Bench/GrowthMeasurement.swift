import Foundation
import MessagePack

/// One size of `windlass bench growth`: makes the containers, and measures what they cost.
struct GrowthMeasurement {
    let size: Int
    let started: Bool
    let host: GrowthHost

    /// How many creations are under way at a time.
    private static let window = 64
    /// How often each question is asked.
    private static let turns = 5
    /// Milliseconds for which one request may hold up the others.
    private static let mostHeld = 5.0
    /// What the first containers bring with them, such as threads and buffers, is no container's own.
    private var warmUp: Int { min(1000, max(1, size / 10)) }

    func run() throws {
        let peer = try BenchPeer(host.commands)
        let quiet = try probing("ping") { for _ in 0..<1000 { _ = try peer.ask("ping") } }
        try create(warmUp, prefix: "warm", on: peer)
        let before = try host.worker.residentBytes()
        let start = ContinuousClock.now
        let creating = try probing("ping") { try create(size, prefix: "c", on: peer) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let after = try host.worker.residentBytes()

        print("\n\(size) idle containers\(started ? ", each with a process" : "")")
        row("ping alone, longest", quiet, "ms")
        row("create", Double(size) / seconds, "a second", detail: "held \(number(creating)) ms")
        row("memory per container", Double(after - before) / Double(size) / 1024, "KiB", atMost: 5)
        try measure("health", on: peer, atMost: 1)
        try measure("list", on: peer)
        try measure("snapshot", on: peer)
        try measure("stats", on: peer)
        try scrape()
        let grown = try host.worker.residentBytes() - after
        row("memory that the questions left", Double(grown) / 1_048_576, "MiB")
        try restart()
    }

    private func create(_ count: Int, prefix: String, on peer: BenchPeer) throws {
        let process: Value = ["process": ["args": ["/bin/sleep", "1000000"]]]
        for number in 0..<(count + GrowthMeasurement.window) {
            if number < count {
                let parameters: Value = [
                    "id": .string("\(prefix)\(number)"), "spec": process, "start": .bool(started),
                ]
                try peer.send("create", parameters)
            }
            if number >= GrowthMeasurement.window, number - GrowthMeasurement.window < count {
                _ = try peer.result(try peer.receive())
            }
        }
    }

    /// Asks a question several times, each time for all its pages; measures the usual time, and how long another peer was
    /// held up at most.
    private func measure(_ method: String, on peer: BenchPeer, atMost goal: Double? = nil) throws {
        var totals: [Double] = []
        var longest = 0.0
        var count = 0
        let held = try probing("ping") {
            for _ in 0..<GrowthMeasurement.turns {
                let durations = try peer.pages(method).map { $0.duration / .milliseconds(1) }
                totals.append(durations.reduce(0, +))
                longest = max(longest, durations.max() ?? 0)
                count = durations.count
            }
        }
        let total = totals.median
        let pages = count > 1 ? "\(count) pages, the longest \(number(longest)) ms" : "one piece"
        row(
            method, total, "ms", perContainer: total * 1000 / Double(size), detail: goal == nil ? pages : nil,
            atMost: goal)
        row("  held the others", held, "ms", atMost: GrowthMeasurement.mostHeld)
    }

    /// Scrapes the metrics; each answer says how long the scrape before it held the loop.
    private func scrape() throws {
        var (totals, held, bytes) = ([Double](), [Double](), 0)
        let others = try probing("ping") {
            for _ in 0..<20 {
                let start = ContinuousClock.now
                let page = try host.page("/metrics")
                totals.append((ContinuousClock.now - start) / .milliseconds(1))
                bytes = page.utf8.count
                let name = "windlass_scrape_duration_seconds "
                let line = page.split(separator: "\n").first { $0.hasPrefix(name) }
                if let seconds = line.flatMap({ Double($0.dropFirst(name.count)) }) { held.append(seconds * 1000) }
            }
        }
        row("scrape of the metrics", totals.median, "ms", detail: "\(bytes) bytes")
        row("  held the loop, usually", Array(held.dropFirst()).median, "ms", atMost: 1)
        row("  held the loop, at most", held.max() ?? .nan, "ms")
        row("  held the others", others, "ms", atMost: GrowthMeasurement.mostHeld)
    }

    /// Stops the worker, starts the next one, and asks it for a state until it is ready.
    private func restart() throws {
        let stopping = ContinuousClock.now
        host.stopWorker()
        let start = ContinuousClock.now
        row("stop", (start - stopping) / .seconds(1), "s")
        let probe = try BenchProbe(host.commands, "state", ["id": "c0"])
        try host.startWorker()
        let peer = try BenchPeer(host.commands)
        while try peer.ask("health").value["ready"]?.bool != true {}
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let waits = try probe.stop()
        row(
            "restart until ready", seconds, "s", perContainer: seconds * 1_000_000 / Double(size),
            atMost: max(0.3, 6 * Double(size) / 100_000))
        row("  first state after the start", waits.first ?? .nan, "ms")
        row("  longest state after that", waits.dropFirst().max() ?? .nan, "ms", atMost: GrowthMeasurement.mostHeld)
        row("  memory after it", Double(try host.worker.residentBytes()) / 1_048_576, "MiB")
    }

    /// Does `work` while another peer asks.
    /// - Returns: the longest wait of that peer, in milliseconds.
    private func probing<Result>(_ method: String, _ work: () throws -> Result) throws -> Double {
        let probe = try BenchProbe(host.commands, method)
        probe.awaitFirst()
        _ = try work()
        return try probe.stop().dropFirst().max() ?? .nan
    }

    private func row(
        _ name: String, _ value: Double, _ unit: String, perContainer: Double? = nil, detail: String? = nil,
        atMost goal: Double? = nil
    ) {
        var notes: [String] = []
        if let perContainer { notes.append("\(number(perContainer)) µs per container") }
        if let detail { notes.append(detail) }
        if let goal { notes.append("wanted: at most \(number(goal))\(value <= goal ? "" : ", MISSED")") }
        let padded = name.padding(toLength: 32, withPad: " ", startingAt: 0)
        let left = String(format: "%10.2f", value)
        let right = unit.padding(toLength: 9, withPad: " ", startingAt: 0)
        print("  \(padded)\(left) \(right) \(notes.joined(separator: "; "))")
    }

    private func number(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String(format: "%.2f", value)
    }
}
