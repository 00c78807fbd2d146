import ContainerProtocol
import MessagePack
import Synchronization
import Testing

@testable import WorkerClient

/// Events that a stream loses, and how a feed gets every one of them all the same.
struct EventFeedTests {
    private let time = ManualTime(chance: 0)

    /// A worker's log, which its `events` and `snapshot` answer from; what is published is up to the test.
    private final class Log: Sendable {
        let events = Mutex<[Value]>([])

        static func event(_ seq: UInt64, epoch: UInt64 = 1) -> Value {
            ["type": "exit", "id": .string("c\(seq)"), "seq": .unsigned(seq), "epoch": .unsigned(epoch)]
        }

        init(_ numbers: ClosedRange<UInt64>? = nil, epoch: UInt64 = 1) {
            if let numbers { add(numbers, epoch: epoch) }
        }

        func add(_ numbers: ClosedRange<UInt64>, epoch: UInt64 = 1) {
            events.withLock { $0 += numbers.map { Log.event($0, epoch: epoch) } }
        }

        func replace(_ numbers: ClosedRange<UInt64>, epoch: UInt64) {
            events.withLock { $0 = [] }
            add(numbers, epoch: epoch)
        }

        func answer(_ request: FakeWorker.Request) -> Result<Value, Failure>? {
            let events = events.withLock { $0 }
            let (oldest, last) = (events.first?["seq"]?.unsigned ?? 1, events.last?["seq"]?.unsigned ?? 0)
            switch request.method {
            case "events":
                let after = request.parameters["after"]?.unsigned ?? 0
                guard after >= oldest - 1 else {
                    return .failure(Failure(.dataLoss, "too old", details: ["oldest_seq": .unsigned(oldest)]))
                }
                let limit = Int(request.parameters["limit"]?.unsigned ?? 1000)
                let page = events.filter { ($0["seq"]?.unsigned ?? 0) > after }.prefix(limit)
                return .success(
                    ["events": .array(Array(page)), "last_seq": .unsigned(last), "oldest_seq": .unsigned(oldest)])
            case "snapshot":
                return .success(
                    ["containers": [], "last_seq": .unsigned(last), "epoch": events.last?["epoch"] ?? 1])
            default: return nil
            }
        }
    }

    private func heartbeat(_ last: UInt64, epoch: UInt64 = 1) -> Value {
        ["type": "heartbeat", "last_seq": .unsigned(last), "epoch": .unsigned(epoch)]
    }

    private func begin(_ log: Log) async throws -> (FakeWorker, WorkerClient) {
        let worker = try await FakeWorker()
        worker.answerAll(log.answer)
        return (worker, try WorkerClient(worker.commands, time: time))
    }

    /// Items in short: a number is an event.
    private func take(_ count: Int, _ items: inout EventFeed.Iterator) async throws -> [String] {
        var texts: [String] = []
        while texts.count < count, let item = try await items.next() {
            let text =
                switch item {
                case .begins(let after): "begins \(after)"
                case .event(let event): "\(event.seq ?? 0)"
                case .gap(let missing): "gap \(missing.lowerBound)-\(missing.upperBound)"
                case .snapshot(let value, let missed):
                    "snapshot \(value["last_seq"]?.unsigned ?? 0) for \(missed.lowerBound)-\(missed.upperBound)"
                case .restart(let after): "restart \(after)"
                }
            texts.append(text)
        }
        return texts
    }

    @Test func whatTheStreamLosesIsFetchedInItsPlace() async throws {
        let log = Log(1...9)
        let (worker, client) = try await begin(log)
        let feed = try await EventFeed(client, worker.events)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        worker.publish(heartbeat(3))
        worker.publish(Log.event(4))
        worker.publish(Log.event(8))
        worker.publish(Log.event(8))
        #expect(try await take(6, &items) == ["begins 3", "4", "5", "6", "7", "8"])
        // Number 9 is lost too, and only the heartbeat knows of it.
        worker.publish(heartbeat(9))
        #expect(try await take(1, &items) == ["9"])
        feed.close()
        #expect(try await items.next() == nil)
    }

    @Test func aNumberToBeginAfterIsFetchedFromAtOnce() async throws {
        let (worker, client) = try await begin(Log(1...2500))
        let feed = try await EventFeed(client, worker.events, after: 0)
        var items = feed.makeAsyncIterator()
        #expect(try await take(2501, &items) == ["begins 0"] + (1...2500).map { "\($0)" })
    }

    @Test func whatIsNotKeptAnyMoreIsAGap() async throws {
        let (worker, client) = try await begin(Log(8...10))
        let feed = try await EventFeed(client, worker.events, after: 2)
        var items = feed.makeAsyncIterator()
        #expect(try await take(5, &items) == ["begins 2", "gap 3-7", "8", "9", "10"])
    }

    @Test func aMirrorGetsASnapshotInPlaceOfAGap() async throws {
        let log = Log(8...10)
        let (worker, client) = try await begin(log)
        let feed = try await EventFeed(client, worker.events, after: 2, recovery: .snapshot)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        #expect(try await take(2, &items) == ["begins 2", "snapshot 10 for 3-10"])
        log.add(11...11)
        worker.publish(Log.event(11))
        #expect(try await take(1, &items) == ["11"])
    }

    @Test func aMirrorTakesEveryPageAndOnlyWhatIsNewsToIt() async throws {
        let log = Log(8...10)
        let (worker, client) = try await begin(log)
        worker.answerAll { request in
            guard request.method == "snapshot" else { return log.answer(request) }
            guard request.parameters["after"] == "c9" else {
                return .success(
                    [
                        "containers": [["id": "c9", "seq": 9]], "last_seq": 10, "epoch": 1, "next": "c9",
                    ])
            }
            // Two events come between the pages, and the second page's record includes the first of them.
            log.add(11...12)
            return .success(["containers": [["id": "c11", "seq": 11]], "last_seq": 12, "epoch": 1])
        }
        let feed = try await EventFeed(client, worker.events, after: 2, recovery: .snapshot)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        #expect(try await take(1, &items) == ["begins 2"])
        guard case .snapshot(let snapshot, let missed) = try await items.next() else {
            Issue.record("no snapshot")
            return
        }
        #expect(missed == 3...10 && snapshot["containers"]?.array?.map { $0["id"] } == ["c9", "c11"])
        #expect(try await take(1, &items) == ["12"])
    }

    @Test func aWorkerThatClaimsEventsThatItHasNotHangsNobody() async throws {
        let worker = try await FakeWorker()
        worker.answerAll { _ in .success(["events": [], "last_seq": 5, "oldest_seq": 1]) }
        let client = try WorkerClient(worker.commands, time: time)
        let feed = try await EventFeed(client, worker.events, after: 0)
        var items = feed.makeAsyncIterator()
        #expect(try await take(2, &items) == ["begins 0", "gap 1-5"])
    }

    @Test func aRestartWhoseNumbersGoOnIsNoGap() async throws {
        let log = Log(1...3)
        let (worker, client) = try await begin(log)
        let feed = try await EventFeed(client, worker.events, after: 1)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        #expect(try await take(3, &items) == ["begins 1", "2", "3"])
        try await worker.stop()
        log.add(4...6, epoch: 2)
        try await worker.start()
        await time.pass(.reconnection)
        await worker.subscription()
        worker.publish(heartbeat(6, epoch: 2))
        #expect(try await take(3, &items) == ["4", "5", "6"])
    }

    @Test(arguments: [(1...2, 1), (1...2, 2), (1...40, 2)] as [(ClosedRange<UInt64>, UInt64)])
    func aWorkerThatCountsAnewIsTold(_ numbers: ClosedRange<UInt64>, _ epoch: UInt64) async throws {
        let log = Log(1...9)
        let (worker, client) = try await begin(log)
        let feed = try await EventFeed(client, worker.events, after: 7)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        #expect(try await take(3, &items) == ["begins 7", "8", "9"])
        // Fewer numbers than were seen, or more of them: then only the epoch of number 9 tells.
        log.replace(numbers, epoch: epoch)
        worker.publish(heartbeat(numbers.upperBound, epoch: epoch))
        #expect(
            try await take(numbers.count + 1, &items) == ["restart 9"] + numbers.map { "\($0)" })
    }

    @Test func aReaderThatIsSlowGetsEveryEvent() async throws {
        let log = Log()
        let (worker, client) = try await begin(log)
        let feed = try await EventFeed(client, worker.events)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        worker.publish(heartbeat(0))
        #expect(try await take(1, &items) == ["begins 0"])
        log.add(1...5000)
        for number in 1...5000 as ClosedRange<UInt64> { worker.publish(Log.event(number)) }
        #expect(try await take(5000, &items) == (1...5000).map { "\($0)" })
    }

    @Test func messagesOfAFormerEpochThatComeLateAreNoRestart() async throws {
        let log = Log(1...3)
        log.add(4...6, epoch: 2)
        let (worker, client) = try await begin(log)
        let feed = try await EventFeed(client, worker.events, after: 0)
        await worker.subscription()
        var items = feed.makeAsyncIterator()
        #expect(try await take(7, &items) == ["begins 0", "1", "2", "3", "4", "5", "6"])
        worker.publish(Log.event(2))
        worker.publish(heartbeat(3))
        log.add(7...7, epoch: 2)
        worker.publish(Log.event(7, epoch: 2))
        #expect(try await take(1, &items) == ["7"])
    }

    @Test func aWorkerThatDiesWhileItTellsIsAskedAgain() async throws {
        let worker = try await FakeWorker()
        let client = try WorkerClient(worker.commands, time: time)
        let feed = try await EventFeed(client, worker.events, after: 4)
        let reading = Task {
            var items = feed.makeAsyncIterator()
            return try await take(3, &items)
        }
        _ = await worker.next(.events)
        try await worker.stop()
        worker.answerAll(Log(1...6).answer)
        try await worker.start()
        await time.pass(.reconnection)
        #expect(try await reading.value == ["begins 4", "5", "6"])
    }

    @Test func cancellationEndsAReaderWhoseWorkerIsGone() async throws {
        let worker = try await FakeWorker()
        let client = try WorkerClient(worker.commands, time: time)
        let feed = try await EventFeed(client, worker.events, after: 4)
        let reading = Task {
            var items = feed.makeAsyncIterator()
            return try await take(2, &items)
        }
        _ = await worker.next(.events)
        reading.cancel()
        await #expect(throws: WorkerClient.cancelled) { try await reading.value }
    }
}
