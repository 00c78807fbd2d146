import ContainerProtocol
import HostComputeEmulator
import MessagePack
import Testing
import Worker

/// A driver call that hangs costs its own container, and no one else.
struct HungCallTests {
    private func failure(_ body: () async throws -> Void) async throws -> Failure {
        let error = try await #require(throws: Failure.self) { try await body() }
        return error
    }

    @Test func aHungCreateHoldsUpNobodyElse() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("hung")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: id.rawValue)
            async let created = worker.shell(id, "exit 0")
            await stall.reached()

            #expect(try await worker.client.state(id).state == .creating)
            let signal = try await failure {
                _ = try await worker.client.call(.signal, ["id": .string(id.rawValue), "signal": 15])
            }
            #expect(signal.code == .failedPrecondition && signal.details["state"] == "creating")
            let stop = try await failure { _ = try await worker.client.stop(id) }
            #expect(stop.code == .failedPrecondition)

            let other = try uniqueID("other")
            try await worker.shell(other, "exit 4")
            #expect(try await worker.client.wait(other).code == 4)

            stall.release()
            _ = try await created
            #expect(try await worker.client.wait(id).code == 0)
        }
    }

    @Test func theWatchdogTellsOfAStuckCallAndOfItsReturn() async throws {
        try await TestWorker.run {
            $0.times.watchdog = .milliseconds(20)
        } _: { worker in
            let id = try uniqueID("stuck")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: id.rawValue)
            async let created = worker.shell(id, "exit 0")
            let stuck = try await worker.collector.next("stuck", id)
            #expect(stuck.body["operation"] == "create")
            #expect(try await worker.client.state(id).stuck == "create")
            stall.release()
            try await worker.collector.next("unstuck", id)
            _ = try await created
            // On a slow machine another call of its may be stuck by now, but not this one.
            #expect(try await worker.client.state(id).stuck != "create")
        }
    }

    @Test func stuckCreationsGiveTheirPlacesAway() async throws {
        let change: (inout WorkerConfiguration) -> Void = {
            $0.times.watchdog = .milliseconds(20)
            $0.limits.creations = 1
            $0.limits.driverCalls = 1
        }
        try await TestWorker.run(change) { worker in
            let id = try uniqueID("stuck")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: id.rawValue)
            async let created = worker.shell(id, "exit 0")
            await stall.reached()
            let other = try uniqueID("other")
            try await worker.shell(other, "exit 4")
            #expect(try await worker.client.wait(other).code == 4)
            stall.release()
            _ = try await created
        }
    }

    @Test func aFullLineSaysSo() async throws {
        try await TestWorker.run {
            $0.limits.queueDepth = 2
        } _: { worker in
            let id = try uniqueID("full")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: id.rawValue)
            async let created = worker.shell(id, "read line", stdin: true)
            await stall.reached()
            let results = await withTaskGroup(of: Failure?.self) { group in
                for _ in 0..<5 {
                    group.addTask {
                        do {
                            _ = try await worker.client.call(
                                .pause, ["id": .string(id.rawValue)], repeats: false)
                            return nil
                        } catch { return error as? Failure }
                    }
                }
                var full: [Failure] = []
                for await failure in group {
                    if let failure, failure.code == .resourceExhausted { full.append(failure) }
                    if full.count == 3 { stall.release() }
                }
                return full
            }
            #expect(results.count == 3 && results.allSatisfy { $0.retryable && $0.details["retry_after_ms"] != nil })
            _ = try await created
        }
    }

    @Test func aDeadlineThatPassesInTheLineIsNeverRun() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("late")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: id.rawValue)
            async let created = worker.shell(id, "read line", stdin: true)
            await stall.reached()
            let late = try await failure {
                _ = try await worker.client.call(
                    .exec, ["id": .string(id.rawValue), "process": "p", "spec": ["args": ["/bin/true"]]],
                    timeout: .milliseconds(10))
            }
            #expect(late.code == .deadlineExceeded && late.details["pending"] == nil)
            stall.release()
            _ = try await created
            _ = try await worker.client.call(.stdin, ["id": .string(id.rawValue), "data": .binary([]), "eof": true])
            try await worker.collector.next("exit", id)
            #expect(await worker.collector.types(id) == ["create", "start", "exit"])
        }
    }

    @Test func aDeadlineThatPassesInTheDriverSaysThatTheOutcomeIsPending() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("pending")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: id.rawValue)
            let late = try await failure {
                _ = try await worker.client.call(
                    // Long enough for the call to have begun on a machine that is busy.
                    .create, ["id": .string(id.rawValue), "spec": ["process": ["args": ["/bin/true"]]]],
                    timeout: .seconds(1))
            }
            #expect(late.code == .deadlineExceeded && late.details["pending"] == true)
            stall.release()
            try await worker.collector.next("exit", id)
        }
    }

    @Test func aCreateThatTheServiceRefusesLeavesNothing() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("refused")
            HostComputeEmulator.faults.fail(
                .createComputeSystem, id: id.rawValue, hresult: Int32(bitPattern: 0xC037_0101))
            let refused = try await failure { try await worker.shell(id, ":") }
            #expect(refused.details["hresult"] == 0xC037_0101)
            let gone = try await failure { _ = try await worker.client.state(id) }
            #expect(gone.code == .notFound)
            try await worker.shell(id, "exit 2")
            #expect(try await worker.client.wait(id).code == 2)
        }
    }

    @Test func aStartThatTheServiceRefusesLeavesNothing() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("refused")
            HostComputeEmulator.faults.fail(
                .startComputeSystem, id: id.rawValue, hresult: Int32(bitPattern: 0x8007_0005))
            _ = try await failure { try await worker.shell(id, ":") }
            let delete = try await worker.collector.next("delete", id)
            #expect(delete.body["exit"]?["reason"] == "start_failed" && delete.body["exit"]?["known"] == false)
            #expect(await worker.collector.types(id) == ["create", "delete"])
            try await worker.shell(id, "exit 2")
            #expect(try await worker.client.wait(id).code == 2)
        }
    }
}
