import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import WorkerClient

/// What becomes of calls when the worker goes away and comes back.
struct ReconnectionTests {
    private let time = ManualTime()

    private func begin() async throws -> (FakeWorker, WorkerClient) {
        let worker = try await FakeWorker()
        return (worker, try WorkerClient(worker.commands, time: time))
    }

    /// The worker dies and comes back, and the client finds it again.
    private func restart(_ worker: FakeWorker) async throws {
        try await worker.stop()
        try await worker.start()
        await time.pass(.reconnection)
    }

    @Test func whatHasNoAnswerIsSentAgainInItsOrder() async throws {
        let (worker, client) = try await begin()
        // One after another, so that their order is known.
        var calls: [Task<Value, any Error>] = []
        var before: [FakeWorker.Request] = []
        for method in [ContainerProtocol.Method.create, .start, .exec, .state, .delete] {
            calls.append(Task { try await client.call(method, ["id": "web"]) })
            before.append(await worker.next(method))
        }
        try await restart(worker)
        let last = await worker.next(.delete)
        let after = worker.waiting
        #expect(after.map(\.method) == ["create", "start", "exec", "state"])
        #expect((after + [last]).map(\.requestID) == before.map(\.requestID))
        for (request, number) in zip(after + [last], 0...) { worker.answer(request, ["number": .int(number)]) }
        for (call, number) in zip(calls, 0...) { #expect(try await call.value["number"] == .int(number)) }
    }

    @Test func whatIsAskedWhileTheWorkerIsAwayIsSentOnceWhenItIsBack() async throws {
        let (worker, client) = try await begin()
        async let first = client.call(.ping)
        worker.answer(await worker.next(.ping), [:])
        _ = try await first
        try await worker.stop()
        let pause = await time.next(.reconnection)
        let call = Task { try await client.call(.create, ["id": "web"], timeout: .seconds(60)) }
        #expect(await time.next(.deadline) == .seconds(30))
        #expect(await time.next(.deadline) == .seconds(60))
        time.advance(by: .seconds(20))
        try await worker.start()
        time.advance(by: pause)
        let request = await worker.next(.create)
        #expect(request.timeout ?? .max <= 40_000, "what is left counts from the asking, not from the sending")
        worker.answer(request, ["state": "running"])
        #expect(try await call.value["state"] == "running")
        #expect(worker.waiting.isEmpty)
    }

    @Test func aWorkerThatIsAwayIsADeadlineWithoutGrace() async throws {
        let (worker, client) = try await begin()
        try await worker.stop()
        let call = Task { try await client.call(.start, ["id": "web"], timeout: .seconds(5)) }
        await time.pass(.deadline)
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure.code == .unavailable && failure.message.contains(worker.commands))
    }

    @Test func pausesGrowWhileConnectionsBreakUnused() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.stop, ["id": "web"]) }
        var pauses: [Duration] = []
        for _ in 0..<4 {
            _ = await worker.next(.stop)
            try await worker.stop()
            try await worker.start()
            pauses.append(await time.pass(.reconnection))
        }
        #expect(pauses == (1...4).map { Backoff.bound($0) })
        // An answer, whatever it says, makes it a connection that works.
        worker.refuse(await worker.next(.stop), Failure(.unavailable, "restoring", retryable: true))
        _ = await time.next(.backoff)
        try await worker.stop()
        try await worker.start()
        #expect(await time.next(.reconnection) == Backoff.bound(1))
        call.cancel()
        await #expect(throws: WorkerClient.cancelled) { try await call.value }
    }

    @Test func waitsAndStopsOutliveAnyNumberOfWorkers() async throws {
        let (worker, client) = try await begin()
        let id = try #require(ContainerID("web"))
        let wait = Task { try await client.wait(id) }
        let stop = Task { try await client.stop(id) }
        var ids: Set<String> = []
        for _ in 0..<3 {
            _ = await worker.next(.wait)
            ids.insert(try #require(await worker.next(.stop).requestID))
            try await restart(worker)
        }
        let exit: Value = [
            "code": 9, "known": true, "reason": "exited", "at": .timestamp(.now), "observed_by": "restore",
        ]
        worker.answer(await worker.next(.wait), ["exit": exit])
        let last = await worker.next(.stop)
        #expect(ids == [last.requestID])
        worker.answer(last, ["exit": exit])
        #expect(try await wait.value.code == 9)
        #expect(try await stop.value.code == 9)
    }

    @Test func bytesKeepTheirOrderOverARestart() async throws {
        let (worker, client) = try await begin()
        var calls: [Task<Value, any Error>] = []
        calls.append(Task { try await client.call(.stdin, ["id": "web", "data": .binary([1])]) })
        let first = await worker.next(.stdin)
        calls.append(Task { try await client.call(.stdin, ["id": "web", "data": .binary([2])]) })
        try await restart(worker)
        let again = await worker.next(.stdin)
        #expect(again.requestID == first.requestID && again.parameters["data"] == .binary([1]))
        worker.answer(again, ["accepted": 1])
        let second = await worker.next(.stdin)
        #expect(second.parameters["data"] == .binary([2]))
        worker.answer(second, ["accepted": 1])
        for call in calls { _ = try await call.value }
    }

    @Test func theConnectionIsTold() async throws {
        let (worker, client) = try await begin()
        var changes = client.connectionChanges.makeAsyncIterator()
        let call = Task { try await client.call(.stop, ["id": "web"]) }
        #expect(await changes.next() == true)
        _ = await worker.next(.stop)
        try await worker.stop()
        #expect(await changes.next() == false)
        try await worker.start()
        await time.pass(.reconnection)
        #expect(await changes.next() == true)
        worker.answer(await worker.next(.stop), [:])
        _ = try await call.value
        await client.close()
        #expect(await changes.next() == nil)
    }

    @Test func closingEndsWhatWaitsForTheWorker() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.stop, ["id": "web"]) }
        _ = await worker.next(.stop)
        try await worker.stop()
        _ = await time.next(.reconnection)
        await client.close()
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure.code == .cancelled)
        await #expect(throws: Failure.self) { try await client.call(.ping) }
    }
}
