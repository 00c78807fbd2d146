import ContainerProtocol
import Glibc
import MessagePack
import Testing
import WorkerClient

/// The client library and the command line against a worker that is killed and started anew at the same endpoints.
struct RestartTests {
    @Test func whatIsAskedWhileTheWorkerIsAwayRunsOnceWhenItIsBack() async throws {
        let worker = try await WorkerProcess()
        let client = try WorkerClient(worker.commands)
        _ = try await client.call(.ping)
        await worker.kill()
        let id = try uniqueID()
        let created = Task { try await client.create(id, ["process": ["args": ["/bin/sh", "-c", "exit 5"]]]) }
        try await worker.start()
        #expect(try await created.value.id == id)
        #expect(try await client.wait(id).code == 5)
        let events = try await client.call(.events, ["after": 0, "ids": [.string(id.rawValue)]])["events"]?.array
        #expect(events?.map { $0["type"]?.string } == ["create", "start", "exit"])
    }

    @Test func aWaitIsAnsweredByTheNextWorker() async throws {
        let worker = try await WorkerProcess()
        let client = try WorkerClient(worker.commands)
        let id = try uniqueID()
        try await client.create(id, ["process": ["args": ["/bin/sleep", "10"]]])
        let wait = Task { try await client.wait(id) }
        await worker.kill()
        try await worker.start()
        // The emulator in the worker's process has died with it: the container is forgotten, or told as lost.
        do {
            #expect(try await wait.value.reason == .lost)
        } catch let failure as Failure {
            #expect(failure.code == .notFound)
        }
    }

    @Test func aFeedGoesOnWithTheNextWorkersEvents() async throws {
        let worker = try await WorkerProcess()
        let client = try WorkerClient(worker.commands)
        let feed = try await EventFeed(client, worker.events, after: 0)
        var items = feed.makeAsyncIterator()
        func next(_ type: String, _ numbers: inout [UInt64]) async throws {
            while let item = try await items.next() {
                switch item {
                case .event(let event):
                    numbers.append(event.seq ?? 0)
                    if event.type == type { return }
                // Where the log does not outlive the worker, its numbers begin again, and that is told.
                case .restart: numbers = []
                case .begins: break
                case .gap, .snapshot: Issue.record("nothing was to be missing: \(item)")
                }
            }
        }
        var numbers: [UInt64] = []
        try await next("worker_start", &numbers)
        #expect(numbers == [1])
        let id = try uniqueID()
        try await client.create(id, ["process": ["args": ["/bin/true"]]])
        try await next("exit", &numbers)
        await worker.kill()
        try await worker.start()
        try await next("worker_start", &numbers)
        let after = try uniqueID("after")
        try await client.create(after, ["process": ["args": ["/bin/true"]]])
        try await next("exit", &numbers)
        #expect(numbers == Array(1...UInt64(numbers.count)), "each number once and in order")
    }

    @Test func theCommandLineShowsEventsOverARestart() async throws {
        let worker = try await WorkerProcess()
        let events = try ChildProcess([
            "events", "--worker", worker.commands, "--events", worker.events, "--after", "0",
        ])
        #expect(await events.line { $0.contains("worker_start") } != nil)
        await worker.kill()
        #expect(await events.line { $0.contains("waiting for the worker") } != nil)
        try await worker.start()
        #expect(await events.line { $0.contains("worker_start") } != nil)
        events.signal(SIGTERM)
        await events.exit()
    }

    @Test func anAttachedCommandEndsWithTheNextWorkersWord() async throws {
        let worker = try await WorkerProcess()
        let client = try WorkerClient(worker.commands)
        let id = try uniqueID()
        try await client.create(id, ["process": ["args": ["/bin/sh", "-c", "echo here; exec sleep 10"]]])
        let attached = try ChildProcess([
            "attach", "--from-start", "--worker", worker.commands, id.rawValue,
        ])
        #expect(await attached.line { $0 == "here" } != nil)
        await worker.kill()
        #expect(await attached.line { $0.contains("waiting for the worker") } != nil)
        try await worker.start()
        #expect(await attached.line { $0.contains("the worker is back") } != nil)
        // What it ends with is what the next worker says of the container, which the emulator has lost.
        #expect(await attached.line { $0.contains(id.rawValue) } != nil)
        #expect(await attached.exit() == 125)
    }
}
