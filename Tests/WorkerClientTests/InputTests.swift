import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import WorkerClient

/// Standard input that is sent by offset, over lost answers and restarts of the worker.
struct InputTests {
    private let time = ManualTime()

    private func begin(from offset: UInt64? = 0) async throws -> (FakeWorker, ProcessInput) {
        let worker = try await FakeWorker()
        let client = try WorkerClient(worker.commands, time: time)
        return (worker, client.input(of: try #require(ContainerID("web")), from: offset))
    }

    /// Writes in a task, whose value is the input as it is then.
    private func write(
        _ text: String, to input: ProcessInput, end: Bool = false
    ) -> Task<ProcessInput, any Error> {
        Task {
            var input = input
            try await input.write(Array(text.utf8), end: end)
            return input
        }
    }

    private func data(_ request: FakeWorker.Request) -> String {
        String(decoding: request.parameters["data"]?.binary ?? [], as: UTF8.self)
    }

    @Test func eachPieceSaysWhereItBelongsAndNeedsNoID() async throws {
        let (worker, input) = try await begin()
        let first = write("hello", to: input)
        let one = await worker.next(.stdin)
        #expect(one.parameters["offset"] == 0 && one.requestID == nil && data(one) == "hello")
        worker.answer(one, ["accepted": 5])
        let second = write("", to: try await first.value, end: true)
        let two = await worker.next(.stdin)
        #expect(two.parameters["offset"] == 5 && two.requestID == nil && two.parameters["eof"] == true)
        worker.answer(two, ["accepted": 0])
        #expect(try await second.value.offset == 5)
    }

    @Test func aPieceWhoseAnswerWasLostIsSentAgainFromTheSameOffset() async throws {
        let (worker, input) = try await begin(from: 7)
        let writing = write("abc", to: input)
        let lost = await worker.next(.stdin)
        try await worker.stop()
        try await worker.start()
        await time.pass(.reconnection)
        let again = await worker.next(.stdin)
        #expect(again.parameters["offset"] == 7 && data(again) == data(lost) && again.requestID == nil)
        // What the process had already counts as accepted.
        worker.answer(again, ["accepted": 3])
        #expect(try await writing.value.offset == 10)
    }

    @Test func whatIsNotTakenIsOfferedAgainAfterAPause() async throws {
        let (worker, input) = try await begin()
        let writing = write("abcdef", to: input)
        worker.answer(await worker.next(.stdin), ["accepted": 4])
        #expect(await time.pass(.input) == .milliseconds(1))
        let rest = await worker.next(.stdin)
        #expect(data(rest) == "ef" && rest.parameters["offset"] == 4)
        worker.answer(rest, ["accepted": 0])
        #expect(await time.pass(.input) == .milliseconds(2))
        worker.answer(await worker.next(.stdin), ["accepted": 0])
        #expect(await time.pass(.input) == .milliseconds(4))
        worker.answer(await worker.next(.stdin), ["accepted": 2])
        #expect(try await writing.value.offset == 6)
    }

    @Test func aWorkerThatHasLessThanItHadAcceptedIsALoss() async throws {
        let (worker, input) = try await begin(from: 9)
        let writing = write("abc", to: input)
        let gap = Failure(.failedPrecondition, "bytes are missing before 9", details: ["offset": 4])
        worker.refuse(await worker.next(.stdin), gap)
        let failure = try await #require(throws: Failure.self) { try await writing.value }
        #expect(failure.code == .dataLoss && failure.details["offset"] == 4)
        #expect(failure.message.contains("web") && failure.message.contains("9"))
    }

    private var unknown: Failure {
        Failure(.failedPrecondition, "the worker was started anew", details: ["offset": nil])
    }

    @Test func whatAWorkerThatLostCountCannotHaveHadGoesWithoutAnOffset() async throws {
        let (worker, input) = try await begin(from: 9)
        let writing = write("abc", to: input)
        worker.refuse(await worker.next(.stdin), unknown)
        let again = await worker.next(.stdin)
        #expect(data(again) == "abc" && again.parameters["offset"] == nil && again.requestID != nil)
        worker.answer(again, ["accepted": 3])
        #expect(try await writing.value.offset == 12)
    }

    @Test func whatItMayHaveHadIsNotSentTwice() async throws {
        let (worker, input) = try await begin(from: 9)
        let writing = write("abc", to: input)
        _ = await worker.next(.stdin)
        try await worker.stop()
        try await worker.start()
        await time.pass(.reconnection)
        worker.refuse(await worker.next(.stdin), unknown)
        let failure = try await #require(throws: Failure.self) { try await writing.value }
        #expect(failure.code == .dataLoss && failure.message.contains("3 bytes"))
        #expect(worker.waiting.isEmpty)
    }

    @Test func aProcessThatTakesNoMoreIsTheWorkersOwnWord() async throws {
        let (worker, input) = try await begin()
        let writing = write("abc", to: input)
        worker.refuse(await worker.next(.stdin), Failure(.failedPrecondition, "it has exited"))
        let failure = try await #require(throws: Failure.self) { try await writing.value }
        #expect(failure == Failure(.failedPrecondition, "it has exited"))
    }

    @Test func whoSharesTheInputSendsIDsAndNoOffsets() async throws {
        let (worker, input) = try await begin(from: nil)
        let writing = write("abc", to: input)
        let request = await worker.next(.stdin)
        #expect(request.parameters["offset"] == nil && request.requestID != nil)
        worker.answer(request, ["accepted": 3])
        #expect(try await writing.value.offset == nil)
    }

    @Test func pausesGrowToABoundAndBeginAnewWithProgress() {
        var pause = InputPause()
        let pauses = (0..<10).map { _ in pause.next(isFull: true) }
        #expect(pauses.prefix(3) == [.milliseconds(2), .milliseconds(4), .milliseconds(8)])
        #expect(pauses.last == .milliseconds(200))
        #expect(pause.next(isFull: false) == .milliseconds(1))
    }
}
