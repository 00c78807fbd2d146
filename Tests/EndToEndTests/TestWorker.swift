import ContainerModel
import ContainerProtocol
import Foundation
import HostComputeDriver
import HostComputeEmulator
import Logging
import MessagePack
import Synchronization
import Testing
import Worker
import WorkerClient

/// A real worker on the emulator in this process, with a client and a collector.
struct TestWorker {
    let client: WorkerClient
    let endpoints: Worker.Endpoints
    let collector: Collector

    /// Runs `body` with a worker, and stops it.
    static func run(
        host: String = "test", _ change: (inout WorkerConfiguration) -> Void = { _ in },
        _ body: (TestWorker) async throws -> Void
    ) async throws {
        let state = FileManager.default.temporaryDirectory.appendingPathComponent("windlass-test-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: state) }
        var configuration = WorkerConfiguration(host: host, stateDirectory: state.path)
        configuration.commandEndpoints = ["tcp://127.0.0.1:*"]
        configuration.eventEndpoints = ["tcp://127.0.0.1:*"]
        configuration.httpEndpoints = []
        configuration.profiles["default"] = try Emulator.profile()
        configuration.defaultProfile = "default"
        change(&configuration)
        let driver = HostComputeDriver(
            table: HostComputeEmulator.table, name: "hcs-emulator", version: "test", owner: "test-\(UUID().uuidString)",
            isolates: false, outlivesWorker: false)
        let (ready, announce) = AsyncStream.makeStream(of: Worker.Endpoints.self)
        let worker = Worker(
            configuration: configuration, driver: driver,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { announce.yield($0) }
        let running = Task { try await worker.run() }
        let endpoints = try #require(await ready.first { _ in true })
        let client = try WorkerClient(endpoints.commands[0])
        let collector = try await Collector(endpoints.events)
        do {
            try await body(TestWorker(client: client, endpoints: endpoints, collector: collector))
        } catch {
            running.cancel()
            try await running.value
            throw error
        }
        await client.close()
        running.cancel()
        try await running.value
    }

    /// Creates and starts a container that runs a shell script.
    @discardableResult
    func shell(_ id: ContainerID, _ script: String, stdin: Bool = false) async throws -> Created {
        try await client.create(id, ["process": ["args": ["/bin/sh", "-c", .string(script)]]], stdin: stdin)
    }

    /// Everything that a process has written, once it has ended.
    func output(_ id: ContainerID, _ process: ProcessName = .initial) async throws -> String {
        var bytes: [UInt8] = []
        for try await piece in try await client.output(of: id, process) {
            bytes += piece.data
            try await client.acknowledge(piece)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// The emulator of this process, with one root folder for all tests.
enum Emulator {
    private static let root = Result {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent(
            "windlass-emulator-\(UUID().uuidString)")
        try HostComputeEmulator.configure(HostComputeEmulator.Settings(root: root.path))
        return root.path
    }

    static func profile() throws -> Value {
        let root = try root.get()
        return [
            "root": ["path": #"\\?\Volume{00000000-0000-0000-0000-000000000000}\"#],
            "windows": ["layerFolders": [.string(root + "/layers/base"), .string(root + "/layers/{id}")]],
        ]
    }
}

/// Collects events, and waits for those that a test wants.
actor Collector {
    private let stream: EventStream
    private var iterator: AsyncStream<PublishedEvent>.Iterator
    /// Everything that took a number, in the order it came.
    private(set) var events: [PublishedEvent] = []

    /// Subscribes to everything, and returns when every worker has welcomed it.
    init(_ endpoints: [String]) async throws {
        stream = try await EventStream(endpoints)
        var iterator = stream.events.makeAsyncIterator()
        for _ in endpoints { while let event = await iterator.next(), event.type != "welcome" {} }
        self.iterator = iterator
    }

    /// Waits for an event of `type` of `id`.
    @discardableResult
    func next(_ type: String, _ id: ContainerID) async throws -> PublishedEvent {
        if let event = events.first(where: { $0.type == type && $0.id == id.rawValue }) { return event }
        var iterator = iterator
        while let event = await iterator.next(isolation: self) {
            guard event.seq != nil else { continue }
            events.append(event)
            if event.type == type, event.id == id.rawValue { return event }
        }
        throw Failure(.cancelled, "the event stream ended before \(type) of \(id)")
    }

    /// The types of all events of `id` so far.
    func types(_ id: ContainerID) -> [String] { events.filter { $0.id == id.rawValue }.map(\.type) }
}

extension Stall {
    /// Waits until a call hangs in it.
    func reached() async {
        await withCheckedContinuation { arrived in
            Thread.detachNewThread { [self] in
                waitForArrival()
                arrived.resume()
            }
        }
    }
}

/// A container id that no other test has.
func uniqueID(_ name: String = "c") throws -> ContainerID {
    try #require(ContainerID("\(name)-\(UUID().uuidString)"))
}
