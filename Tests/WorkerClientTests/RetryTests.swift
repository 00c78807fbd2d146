import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import WorkerClient

/// Which requests are sent again, when, and what they carry.
struct RetryTests {
    private let time = ManualTime()

    private func begin() async throws -> (FakeWorker, WorkerClient) {
        let worker = try await FakeWorker()
        return (worker, try WorkerClient(worker.commands, time: time))
    }

    private func unavailable(retryAfter milliseconds: Int? = nil) -> Failure {
        Failure(
            .unavailable, "not now", retryable: true,
            details: milliseconds.map { ["retry_after_ms": .int($0)] })
    }

    @Test func aFailureThatCanPassIsTriedAgainUnderTheSameID() async throws {
        let (worker, client) = try await begin()
        async let result = client.call(.start, ["id": "web"], timeout: .seconds(10))
        let first = await worker.next(.start)
        worker.refuse(first, unavailable(retryAfter: 250))
        // The worker's wish, and the jitter on top of it.
        #expect(await time.pass(.backoff) == .milliseconds(350))
        let second = await worker.next(.start)
        worker.answer(second, ["state": "running", "pid": 7])
        #expect(try await result["pid"] == 7)
        #expect(first.requestID?.utf8.count == 32)
        #expect(second.requestID == first.requestID)
        #expect(first.timeout == 10_000)
        #expect(second.timeout == 9650, "each try tells what is left of the deadline")
    }

    @Test func pausesGrowWithEachFailure() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.state, ["id": "web"], timeout: .seconds(3600)) }
        var pauses: [Duration] = []
        for _ in 0..<11 {
            worker.refuse(await worker.next(.state), unavailable())
            pauses.append(await time.pass(.backoff))
        }
        #expect(pauses == (1...11).map { Backoff.bound($0) })
        worker.answer(await worker.next(.state), ["state": "running"])
        #expect(try await call.value["state"] == "running")
    }

    @Test func aTryThatWouldComeAfterTheDeadlineIsNotMade() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.start, ["id": "web"], timeout: .seconds(1)) }
        worker.refuse(await worker.next(.start), unavailable(retryAfter: 5000))
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure == unavailable(retryAfter: 5000))
        try await settle(worker, client)
        #expect(worker.waiting.isEmpty)
    }

    @Test func aWishOfTheWorkersBeyondAllBoundsIsHarmless() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.stop, ["id": "web"]) }
        let failure = Failure(.unavailable, "never", retryable: true, details: ["retry_after_ms": .unsigned(.max)])
        worker.refuse(await worker.next(.stop), failure)
        #expect(await time.next(.backoff) > .seconds(31_000_000))
        call.cancel()
        await #expect(throws: WorkerClient.cancelled) { try await call.value }
    }

    @Test func aFailureThatDoesNotPassIsToldAtOnce() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.delete, ["id": "web"]) }
        worker.refuse(await worker.next(.delete), Failure(.failedPrecondition, "it runs"))
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure == Failure(.failedPrecondition, "it runs"))
        try await settle(worker, client)
        #expect(worker.waiting.isEmpty)
    }

    @Test(arguments: ContainerProtocol.Method.allCases)
    func whatChangesSomethingHasAnID(_ method: ContainerProtocol.Method) async throws {
        let (worker, client) = try await begin()
        let calls = (0..<2).map { _ in Task { try await client.call(method, ["id": "web"]) } }
        var ids: [String] = []
        for _ in 0..<2 {
            let request = await worker.next(method)
            if let id = request.requestID { ids.append(id) }
            worker.answer(request, [:])
        }
        for call in calls { _ = try await call.value }
        let looks: Set<ContainerProtocol.Method> = [
            .ping, .version, .stats, .pids, .summary, .checkpointList, .state, .list, .wait, .attach, .credit, .detach,
            .logs, .events, .snapshot, .health, .keysList,
        ]
        #expect(Set(ids).count == (looks.contains(method) ? 0 : 2))
    }

    @Test func aSingleTryTellsWhateverBecomesOfIt() async throws {
        let (worker, client) = try await begin()
        let refused = Task { try await client.call(.start, ["id": "web"], repeats: false) }
        worker.refuse(await worker.next(.start), unavailable(retryAfter: 250))
        #expect(try await #require(throws: Failure.self) { try await refused.value } == unavailable(retryAfter: 250))
        let lost = Task { try await client.call(.wait, ["id": "web"], repeats: false) }
        #expect(await worker.next(.wait).timeout == nil)
        try await worker.stop()
        #expect(try await #require(throws: Failure.self) { try await lost.value }.code == .unavailable)
    }

    @Test func theCallersIDIsKept() async throws {
        let (worker, client) = try await begin()
        async let result = client.call(.pause, ["id": "web", "request_id": "mine"])
        let request = await worker.next(.pause)
        worker.answer(request, ["state": "paused"])
        #expect(try await result["state"] == "paused")
        #expect(request.requestID == "mine")
    }

    @Test func theDefaultsAreSent() async throws {
        let (worker, client) = try await begin()
        let expected: [(ContainerProtocol.Method, UInt64?)] = [(.state, 30_000), (.pause, 300_000), (.stop, nil)]
        for (method, timeout) in expected {
            async let result = client.call(method, ["id": "web"])
            let request = await worker.next(method)
            #expect(request.timeout == timeout)
            worker.answer(request, [:])
            _ = try await result
        }
    }

    @Test func aRequestThatTheWorkerLostIsSentAgainWhenPatienceEnds() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.state, ["id": "web"]) }
        let lost = await worker.next(.state)
        #expect(await time.pass(.patience) == .seconds(10))
        let second = await worker.next(.state)
        // Patience grows, so that a slow worker is not asked ever more.
        #expect(await time.next(.patience) == .seconds(20))
        // The answer to either try is the call's, and the other one is nobody's.
        worker.answer(lost, ["state": "running"])
        #expect(try await call.value["state"] == "running")
        async let other = client.call(.state, ["id": "other"])
        let question = await worker.next(.state)
        #expect(question.msgid != second.msgid)
        worker.answer(second, ["state": "stopped"])
        worker.answer(question, ["state": "created"])
        #expect(try await other["state"] == "created")
    }

    @Test func withoutAnAnswerTheDeadlineEndsIt() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.start, ["id": "web"], timeout: .seconds(5)) }
        let request = await worker.next(.start)
        #expect(await time.pass(.deadline) == .seconds(5))
        // The worker's own word of the deadline is given a second to come.
        #expect(await time.pass(.deadline) == .seconds(1))
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure.code == .unavailable && failure.retryable)
        #expect(failure.details["request_id"]?.string == request.requestID)
    }

    @Test func theWorkersWordOfTheDeadlineIsTold() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.start, ["id": "web"], timeout: .seconds(5)) }
        let request = await worker.next(.start)
        await time.pass(.deadline)
        worker.refuse(request, Failure(.deadlineExceeded, "the driver is busy", details: ["pending": true]))
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure.code == .deadlineExceeded && failure.details["pending"] == true)
    }

    @Test func aDeadlineDuringAPauseTellsTheLastFailure() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.start, ["id": "web"], timeout: .seconds(5)) }
        worker.refuse(await worker.next(.start), unavailable(retryAfter: 3000))
        _ = await time.next(.backoff)
        time.advance(by: .seconds(5))
        // The pause ends first, and the last try is too late.
        let failure = try await #require(throws: Failure.self) { try await call.value }
        #expect(failure.code == .unavailable)
    }

    @Test func cancellationEndsAPauseAtOnce() async throws {
        let (worker, client) = try await begin()
        let call = Task { try await client.call(.start, ["id": "web"]) }
        worker.refuse(await worker.next(.start), unavailable())
        _ = await time.next(.backoff)
        call.cancel()
        await #expect(throws: WorkerClient.cancelled) { try await call.value }
        time.advance(by: .seconds(60))
        try await settle(worker, client)
        #expect(worker.waiting.isEmpty)
    }

    @Test func aWaitIsAskedAnewForAsLongAsItTakes() async throws {
        let (worker, client) = try await begin()
        let id = try #require(ContainerID("web"))
        let wait = Task { try await client.wait(id) }
        for _ in 0..<20 {
            let request = await worker.next(.wait)
            #expect(request.timeout == 30_000)
            time.advance(by: .seconds(30))
            worker.refuse(request, Failure(.deadlineExceeded, "it had not exited"))
            #expect(await time.pass(.backoff) == .milliseconds(100), "an answer that was to be expected is no failure")
        }
        let exit: Value = [
            "code": 3, "known": true, "reason": "exited", "at": .timestamp(.now), "observed_by": "driver",
        ]
        worker.answer(await worker.next(.wait), ["exit": exit])
        #expect(try await wait.value.code == 3)
    }

    @Test func aWaitWithADeadlineEndsThere() async throws {
        let (worker, client) = try await begin()
        let wait = Task { try await client.call(.wait, ["id": "web"], timeout: .seconds(40)) }
        let first = await worker.next(.wait)
        time.advance(by: .seconds(30))
        worker.refuse(first, Failure(.deadlineExceeded, "it had not exited"))
        await time.pass(.backoff)
        let last = await worker.next(.wait)
        #expect(last.timeout ?? .max <= 10_000)
        time.advance(by: .seconds(10))
        worker.refuse(last, Failure(.deadlineExceeded, "it had not exited"))
        let failure = try await #require(throws: Failure.self) { try await wait.value }
        #expect(failure.code == .deadlineExceeded)
    }

    @Test func bytesForOneProcessGoOneRequestAtATime() async throws {
        let (worker, client) = try await begin()
        let first = Task { try await client.call(.stdin, ["id": "web", "data": .binary([1])]) }
        let one = await worker.next(.stdin)
        let second = Task { try await client.call(.stdin, ["id": "web", "process": "init", "data": .binary([2])]) }
        let other = Task { try await client.call(.stdin, ["id": "db", "data": .binary([3])]) }
        // Another process's bytes do not wait.
        let theOther = await worker.next(.stdin)
        #expect(theOther.parameters["id"] == "db")
        worker.answer(theOther, ["accepted": 1])
        _ = try await other.value
        // The first is refused and sent again before the second goes at all.
        worker.refuse(one, unavailable())
        await time.pass(.backoff)
        let again = await worker.next(.stdin)
        #expect(again.parameters["data"] == .binary([1]) && again.requestID == one.requestID)
        worker.answer(again, ["accepted": 1])
        let two = await worker.next(.stdin)
        #expect(two.parameters["data"] == .binary([2]))
        worker.answer(two, ["accepted": 1])
        _ = try await (first.value, second.value)
    }

    @Test func bytesThatWereCalledOffHoldNothingUp() async throws {
        let (worker, client) = try await begin()
        let first = Task { try await client.call(.stdin, ["id": "web", "data": .binary([1])]) }
        _ = await worker.next(.stdin)
        let second = Task { try await client.call(.stdin, ["id": "web", "data": .binary([2])]) }
        first.cancel()
        await #expect(throws: WorkerClient.cancelled) { try await first.value }
        let two = await worker.next(.stdin)
        #expect(two.parameters["data"] == .binary([2]))
        worker.answer(two, ["accepted": 1])
        _ = try await second.value
    }

    /// Whatever the client sent before this has arrived.
    private func settle(_ worker: FakeWorker, _ client: WorkerClient) async throws {
        async let answer = client.call(.ping)
        worker.answer(await worker.next(.ping), [:])
        _ = try await answer
    }
}
