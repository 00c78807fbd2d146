import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import WorkerClient

/// Output that is followed over restarts of the worker.
struct OutputTests {
    private let time = ManualTime()

    private struct Following {
        let worker: FakeWorker
        let client: WorkerClient
        let stream: AsyncThrowingStream<OutputPiece, any Error>
        let attach: FakeWorker.Request
    }

    private func follow(from start: OutputStart = .start, at offset: UInt64 = 0) async throws -> Following {
        let worker = try await FakeWorker()
        let client = try WorkerClient(worker.commands, time: time)
        let id = try #require(ContainerID("web"))
        async let stream = client.output(of: id, from: start)
        let attach = await worker.next(.attach)
        worker.answer(attach, ["offset": .unsigned(offset)])
        return Following(worker: worker, client: client, stream: try await stream, attach: attach)
    }

    private func restart(_ worker: FakeWorker) async throws -> FakeWorker.Request {
        try await worker.stop()
        try await worker.start()
        await time.pass(.reconnection)
        return await worker.next(.attach)
    }

    private func text(_ piece: OutputPiece?) -> String? { piece.map { String(decoding: $0.data, as: UTF8.self) } }

    @Test func itGoesOnWhereItWas() async throws {
        let following = try await follow()
        let worker = following.worker
        var pieces = following.stream.makeAsyncIterator()
        #expect(following.attach.parameters["from"] == "start")
        worker.write("hello ", at: 0, to: following.attach)
        #expect(text(try await pieces.next()) == "hello ")
        let attach = try await restart(worker)
        #expect(attach.parameters["from"] == 6)
        worker.answer(attach, ["offset": 6])
        worker.write("world", at: 6, to: attach)
        worker.write("", at: 11, to: attach, isEnd: true)
        let piece = try await pieces.next()
        #expect(text(piece) == "world")
        #expect(piece?.dropped == 0 && piece?.isRestart == false)
        #expect(try await pieces.next()?.isEnd == true)
        #expect(try await pieces.next() == nil)
    }

    @Test func whatComesTwiceIsHandedOverOnce() async throws {
        let following = try await follow()
        var pieces = following.stream.makeAsyncIterator()
        following.worker.write("abcd", at: 0, to: following.attach)
        following.worker.write("abcd", at: 0, to: following.attach)
        following.worker.write("cdef", at: 2, to: following.attach)
        #expect(text(try await pieces.next()) == "abcd")
        let piece = try await pieces.next()
        #expect(text(piece) == "ef" && piece?.offset == 4)
    }

    @Test func whatIsNotKeptAnyMoreIsCounted() async throws {
        let following = try await follow()
        var pieces = following.stream.makeAsyncIterator()
        following.worker.write("abc", at: 0, to: following.attach)
        _ = try await pieces.next()
        let attach = try await restart(following.worker)
        following.worker.answer(attach, ["offset": 3])
        following.worker.write("xyz", at: 103, to: attach, dropped: 100)
        let piece = try await pieces.next()
        #expect(text(piece) == "xyz" && piece?.dropped == 100)
    }

    @Test func aWorkerThatLostCountIsFollowedAndTold() async throws {
        let following = try await follow()
        var pieces = following.stream.makeAsyncIterator()
        following.worker.write("abcdef", at: 0, to: following.attach)
        _ = try await pieces.next()
        let attach = try await restart(following.worker)
        #expect(attach.parameters["from"] == 6)
        following.worker.answer(attach, ["offset": 0])
        following.worker.write("new", at: 0, to: attach)
        following.worker.write("er", at: 3, to: attach)
        let piece = try await pieces.next()
        #expect(text(piece) == "new" && piece?.isRestart == true && piece?.offset == 0)
        let next = try await pieces.next()
        #expect(text(next) == "er" && next?.isRestart == false)
    }

    @Test func outputThatIsGoneEndsTheStreamWithTheWorkersWord() async throws {
        let following = try await follow()
        var pieces = following.stream.makeAsyncIterator()
        let attach = try await restart(following.worker)
        following.worker.refuse(attach, Failure(.notFound, "there is no container web"))
        let failure = try await #require(throws: Failure.self) { try await pieces.next() }
        #expect(failure.code == .notFound)
    }

    @Test func aWorkerThatDiesWhileItIsAskedIsAskedAgain() async throws {
        let following = try await follow(from: .now, at: 40)
        #expect(following.attach.parameters["from"] == "now")
        var pieces = following.stream.makeAsyncIterator()
        _ = try await restart(following.worker)
        let attach = try await restart(following.worker)
        #expect(attach.parameters["from"] == 40, "now was then")
        following.worker.answer(attach, ["offset": 40])
        following.worker.write("!", at: 40, to: attach)
        #expect(text(try await pieces.next()) == "!")
        #expect(following.worker.waiting.isEmpty)
    }

    @Test func whatHasNotBeenReadCountsAgainstTheNextWindow() async throws {
        let following = try await follow()
        let (worker, client) = (following.worker, following.client)
        var pieces = following.stream.makeAsyncIterator()
        #expect(following.attach.parameters["credit"] == .int(OutputPiece.window))
        let half = String(repeating: "x", count: OutputPiece.window / 2)
        worker.write(half, at: 0, to: following.attach)
        let piece = try #require(try await pieces.next())
        let attach = try await restart(worker)
        #expect(attach.parameters["credit"] == .int(OutputPiece.window / 2))
        worker.answer(attach, ["offset": .int(OutputPiece.window / 2)])
        worker.write("y", at: UInt64(OutputPiece.window / 2), to: attach)
        _ = try await pieces.next()
        // What was read of the former connection is credit on this one.
        async let acknowledged: Void = client.acknowledge(piece)
        let credit = await worker.next(.credit)
        #expect(credit.parameters["bytes"] == .int(OutputPiece.window / 2))
        worker.answer(credit, [:])
        try await acknowledged
    }

    @Test func creditEndsWithItsConnection() async throws {
        let following = try await follow()
        let (worker, client) = (following.worker, following.client)
        var pieces = following.stream.makeAsyncIterator()
        worker.write(String(repeating: "x", count: OutputPiece.window), at: 0, to: following.attach)
        let piece = try #require(try await pieces.next())
        async let acknowledged: Void = client.acknowledge(piece)
        _ = await worker.next(.credit)
        let attach = try await restart(worker)
        #expect(attach.parameters["credit"] == .int(OutputPiece.window))
        try await acknowledged
        #expect(!worker.waiting.contains { $0.method == "credit" })
    }

    @Test func offsetsBeyondAllBoundsAreHarmless() async throws {
        let following = try await follow()
        var pieces = following.stream.makeAsyncIterator()
        following.worker.write("abc", at: .max - 1, to: following.attach)
        following.worker.write("abc", at: 0, to: following.attach)
        #expect(text(try await pieces.next()) == "abc")
    }
}
