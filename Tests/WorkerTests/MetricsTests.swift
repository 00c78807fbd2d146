import ContainerModel
import ContainerProtocol
import Dispatch
import MessagePack
import TestSupport
import Testing
import Threads

@testable import Worker

/// What is counted, and how it is written.
struct MetricsTests {
    @Test func labelsAreEscaped() {
        var text = MetricsText()
        text.metric("m_total", .counter, "Help.")
        text.sample("m_total", ["a": "x\\y\"z\n", "b": "ä"], value: 7 as UInt64)
        text.sample("m_total", value: UInt64.max)
        #expect(
            String(decoding: text.bytes, as: UTF8.self) == """
                # HELP m_total Help.
                # TYPE m_total counter
                m_total{a="x\\\\y\\"z\\n",b="ä"} 7
                m_total 18446744073709551615

                """)
    }

    @Test func aHistogramIsCumulative() {
        var histogram = Histogram(.turns)
        for duration: Duration in [.zero, .microseconds(100), .microseconds(101), .seconds(2), .seconds(-1)] {
            histogram.observe(duration)
        }
        var text = MetricsText()
        text.metric("h", .histogram, "Help.")
        text.histogram("h", ["k": "v"], of: histogram)
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(lines.contains(#"h_bucket{k="v",le="0.0001"} 3"#) && lines.contains(#"h_bucket{k="v",le="0.00025"} 4"#))
        #expect(lines.contains(#"h_bucket{k="v",le="1"} 4"#) && lines.contains(#"h_bucket{k="v",le="+Inf"} 5"#))
        #expect(lines.contains(#"h_sum{k="v"} 2.000201000"#) && lines.contains(#"h_count{k="v"} 5"#))
    }

    @Test(arguments: [Histogram.Bounds.requests, .calls, .turns]) func boundsRise(_ bounds: Histogram.Bounds) {
        #expect(zip(bounds.nanoseconds, bounds.nanoseconds.dropFirst()).allSatisfy { $0 < $1 })
        #expect(bounds.nanoseconds.first ?? 0 > 0)
    }

    @Test func theLongestQueueIsKnown() {
        var queues = QueueDepths()
        queues.change(from: 0, to: 3)
        queues.change(from: 0, to: 5)
        #expect(queues.sum == 8 && queues.longest == 5)
        queues.change(from: 5, to: 1)
        #expect(queues.sum == 4 && queues.longest == 3)
        queues.change(from: 3, to: 0)
        queues.change(from: 1, to: 0)
        #expect(queues.sum == 0 && queues.longest == 0)
    }

    // MARK: In the core

    @Test func containersAreCountedByState() throws {
        let host = TestHost()
        try host.run("a")
        try host.run("b")
        _ = try host.call("create", ["id": "c", "spec": TestHost.spec, "start": false])
        var figures = host.services.pool.figures
        #expect(figures.states[.running] == 2 && figures.states[.created] == 1)
        host.driver.exit(try #require(ContainerID("a")), code: 3)
        host.settle()
        #expect(try host.call("delete", ["id": "c", "force": true]).failure == nil)
        figures = host.services.pool.figures
        #expect(figures.states[.running] == 1 && figures.states[.stopped] == 1 && figures.states[.created] == 0)
        #expect(figures.exits[.exited]?.known == 1 && figures.exits[.exited]?.unknown == 0)
        #expect(figures.states.values.reduce(0, +) == 2)
    }

    @Test func queuesAreCountedWhileTheyWait() throws {
        let host = TestHost()
        try host.run("a")
        for _ in 0..<3 { try host.send("pause", ["id": "a"]) }
        host.settleButCalls()
        #expect(host.services.pool.figures.queues.longest == 2 && host.services.pool.figures.queues.sum == 2)
        host.loop.advance(by: .seconds(2))
        host.settle()
        #expect(host.services.pool.figures.queues.sum == 0)
        #expect(host.services.pool.figures.waits.sum >= 2_000_000_000)
    }

    @Test func aQueuedRequestThatExpiresLeavesTheQueue() throws {
        let host = TestHost()
        try host.run("a")
        try host.send("pause", ["id": "a"])
        try host.send("resume", ["id": "a", "timeout_ms": 1000])
        host.settleButCalls()
        #expect(host.services.pool.figures.queues.sum == 1)
        host.loop.advance(by: .seconds(1))
        host.settleButCalls()
        #expect(host.services.pool.figures.queues.sum == 0)
    }

    @Test func requestsAreCountedByMethodAndOutcome() throws {
        let host = TestHost()
        _ = try host.call("ping")
        _ = try host.call("delete", ["id": "none"])
        _ = try host.call("ping", ["request_id": "r"])
        _ = try host.call("ping", ["request_id": "r"])
        let figures = host.requests.figures
        #expect(figures.of(.ping).succeeded == 3 && figures.of(.ping).durations.count == 3)
        #expect(figures.of(.delete).failed == [.notFound: 1] && figures.repeated == 1)
    }

    @Test func driverCallsAreCountedByOperation() throws {
        let host = TestHost()
        try host.run("a")
        let hanging = LoopBound(host, to: host.loop)
        host.driver.during(.pause) {
            hanging.value.loop.advance(by: .seconds(60))
            hanging.value.settleButCalls()
            #expect(hanging.value.services.calls.figures.inFlight == 1)
            #expect(hanging.value.services.calls.figures.stuck == 1)
        }
        _ = try host.call("pause", ["id": "a"])
        let figures = host.services.calls.figures
        #expect(figures.inFlight == 0 && figures.stuck == 0)
        #expect(figures.operations[.create]?.durations.count == 1)
        #expect(figures.operations[.pause]?.durations.sum == 60_000_000_000)
    }

    @Test func outputIsCounted() {
        let figures = OutputFigures()
        let spool = OutputSpool(limit: 100, hasTerminal: true, figures: figures) {}
        for _ in 0..<10 { [UInt8](repeating: 1, count: 60).withUnsafeBytes { spool.write(.stdout, $0) } }
        #expect(figures.bytes == 600)
        #expect(figures.dropped == 600 - UInt64(spool.keptBytes))
    }

    @Test func aScrapeDoesNotWaitForADiskThatHangs() throws {
        let loop = ManualLoop()
        let hangs = DispatchSemaphore(value: 0)
        let thread = try #require(WorkThread("test"))
        let reader = FactsReader(on: loop, thread: thread) {
            hangs.wait()
            return ProcessFacts()
        }
        var answers: [ProcessFacts?] = []
        reader.facts { answers.append($0) }
        #expect(!loop.turn() && answers.isEmpty)
        loop.advance(by: FactsReader.patience)
        #expect(loop.turn() && answers.count == 1 && answers[0] == nil)
        hangs.signal()
    }
}
