import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging
import MessagePack
import TestSupport
import Testing

@testable import Worker

/// The core of a worker without sockets, threads, disk or clock: its driver is scripted, its journal is in memory and
/// confirms when the test says so, and its turns and time are made by hand.
final class TestHost {
    let loop = ManualLoop()
    let threads = ManualThreads()
    let driver: ScriptedDriver
    let journal: HeldJournal
    let published = PublishedEvents()
    let replies = SentReplies()
    let outbox: Outbox
    let services: HostServices
    let requests: Requests
    private var recovery: Recovery?
    private var lastMessage: UInt32 = 0

    /// - Parameter journal: that of an earlier worker, for a restart.
    init(
        journal: HeldJournal = HeldJournal(), driver: ScriptedDriver = ScriptedDriver(),
        _ change: (inout WorkerConfiguration) -> Void = { _ in }
    ) {
        var configuration = WorkerConfiguration(host: "test", stateDirectory: "")
        configuration.journal = .memory
        change(&configuration)
        self.journal = journal
        self.driver = driver
        outbox = Outbox(host: "test", journal: journal, sink: published, on: loop)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        services = HostServices(
            configuration: configuration, loop: loop, driver: driver,
            calls: DriverCalls(on: loop, ordinary: threads, urgent: threads, watchdog: configuration.times.watchdog),
            outbox: outbox, spools: nil, logger: logger)
        let host = HostCommands(services, traffic: { (0, CommandSocket.Counters()) }, stopWorker: {})
        requests = Requests(
            configuration: configuration, on: loop, outbox: outbox, handler: CommandRouter(services, host))
        requests.sender = replies
        driver.connect(TestReports(services: LoopBound(services, to: loop), loop: loop))
    }

    // MARK: Requests

    /// Sends a request.
    /// - Parameter peer: who sends it.
    /// - Returns: its msgid.
    @discardableResult
    func send(_ method: String, _ parameters: Value.Map = [:], peer: UInt8 = 1) throws -> UInt32 {
        lastMessage += 1
        let body: Value = [0, .unsigned(UInt64(lastMessage)), .string(method), .array([.map(parameters)])]
        let writer = Writer()
        writer.value(body)
        let route = ReplyRoute.of(peer)
        let (request, digest) = try writer.withBytes { bytes in
            try Reader().read(bytes) { element in
                let request = try Request(element)
                return (request, try request.requestID.map { _ in try request.digest(element[3]) })
            }
        }
        requests.receive(request, digest, route)
        return lastMessage
    }

    /// Sends a request, lets everything run that it causes, and takes its reply.
    func call(_ method: String, _ parameters: Value.Map = [:]) throws -> Reply {
        let msgid = try send(method, parameters)
        settle()
        return try #require(replies.take(msgid), "\(method) was not answered")
    }

    /// Makes a container whose first process runs.
    func run(_ id: String, _ parameters: Value.Map = [:]) throws {
        var all: Value.Map = ["id": .string(id), "spec": TestHost.spec]
        for (key, value) in parameters { all[key] = value }
        let reply = try call("create", all)
        #expect(reply.failure == nil)
    }

    static let spec: Value = ["process": ["args": ["sh"]]]

    // MARK: Turns

    /// One turn of the loop.
    /// - Returns: false where there was nothing to do.
    @discardableResult
    func turn() -> Bool {
        let isBusy = loop.turn()
        outbox.flush()
        return isBusy
    }

    /// Lets turns, the journal and driver calls run until nothing is left to do.
    func settle() {
        repeat {
            while turn() {}
            journal.confirmAll()
            threads.runAll()
        } while turn() || journal.isBehind || threads.count > 0
    }

    /// Lets turns and the journal run, but no driver call.
    func settleButCalls() {
        repeat {
            while turn() {}
            journal.confirmAll()
        } while turn() || journal.isBehind
    }

    /// Moves the time, and lets everything run.
    func advance(by duration: Duration) {
        loop.advance(by: duration)
        settle()
    }

    /// A worker that starts after this one died: it has this one's journal, as far as that was confirmed.
    func restarted(_ driver: ScriptedDriver) -> TestHost {
        let next = TestHost(journal: journal.next(), driver: driver)
        next.recover()
        return next
    }

    /// Takes up what the journal has.
    func recover() {
        let recovery = Recovery(services, requests, journal.takeContents())
        self.recovery = recovery
        recovery.start {}
    }

    /// The types of the events that were published.
    var events: [String] { published.events.map { $0["type"]?.string ?? "" } }
}

/// A reply as a peer reads it.
struct Reply {
    let result: Value
    let failure: Failure?
    var code: Failure.Code? { failure?.code }
}

/// The replies and notifications that were sent.
final class SentReplies: ReplySender {
    private var replies: [UInt32: Reply] = [:]
    private(set) var notifications: [Value] = []
    /// What becomes of the next notifications.
    var delivery = Delivery.sent

    func reply(_ route: ReplyRoute, _ body: Writer) {
        guard let parts = (try? Reader().value(body.bytes))?.array, let msgid = parts[1].unsigned else { return }
        let failure = parts[2] == .null ? nil : Failure(parts[2])
        replies[UInt32(msgid)] = Reply(result: parts[3], failure: failure)
    }

    func notify(_ route: ReplyRoute, _ body: Writer) -> Delivery {
        guard delivery == .sent else { return delivery }
        if let value = try? Reader().value(body.bytes), let output = value.array?[2].array?.first {
            notifications.append(output)
        }
        return .sent
    }

    /// The reply to a request; nil where there is none yet.
    func take(_ msgid: UInt32) -> Reply? { replies.removeValue(forKey: msgid) }
}

/// The events that were published.
final class PublishedEvents: EventSink {
    private(set) var events: [Value] = []

    func publish(_ events: [RecordedEvent]) {
        self.events += events.compactMap { try? Reader().value($0.body) }
    }
}

private struct TestReports: DriverEvents {
    let services: LoopBound<HostServices>
    let loop: ManualLoop

    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        loop.post { services.value.pool.container(id)?.enter { $0.exited(process, exit) } }
    }

    func serviceDisconnected(_ failure: DriverFailure) { loop.post { services.value.pool.detachAll() } }
}

extension ReplyRoute {
    /// The route of a peer of this host, or of the owner of a key.
    static func of(_ peer: UInt8, _ principal: Principal = Principal("local", .admin)) -> ReplyRoute {
        ReplyRoute([peer], .none, principal.isLocal ? .local : .remote, principal, Int32(peer))
    }
}
