import ContainerProtocol
import Foundation
import MessagePack
import Synchronization
import Testing
import ZeroMQ

/// A worker on real sockets that answers what a test has it answer, loses what it is to lose, dies and comes back.
final class FakeWorker: Sendable {
    /// A request that has come.
    struct Request: Sendable {
        let peer: [UInt8]
        let msgid: UInt64
        let method: String
        let parameters: Value

        var requestID: String? { parameters["request_id"]?.string }
        var timeout: UInt64? { parameters["timeout_ms"]?.unsigned }
    }

    private struct State {
        /// Requests that no test has asked for.
        var requests: [Request] = []
        var waiters: [(method: String, continuation: CheckedContinuation<Request, Never>)] = []
        var life: Life?
        var subscriptions = 0
        var subscriptionWaiters: [CheckedContinuation<Void, Never>] = []
        /// Answers requests by itself where it returns something.
        var automatic: (@Sendable (Request) -> Result<Value, Failure>?)?
    }

    /// The sockets between a start and a stop. Used on their loop only.
    private final class Life: @unchecked Sendable {
        // Sendable: the sockets are made, used and closed on the loop's thread only.
        let loop: SocketLoop
        let router: Socket
        let publisher: Socket

        init(_ loop: SocketLoop) throws {
            self.loop = loop
            router = try Socket(.router, in: loop.context)
            publisher = try Socket(.xpub, in: loop.context)
            try publisher.set(.xpubVerbose, true)
            for socket in [router, publisher] { try socket.set(.linger, 0) }
        }

        func close() {
            for socket in [router, publisher] {
                loop.remove(socket)
                socket.close()
            }
        }
    }

    private let state = Mutex(State())
    /// Its command endpoint, over all its lives.
    let commands: String
    /// Its event endpoint.
    let events: String

    /// Serves at endpoints that no other test can take while it is away, as ports could be.
    init() async throws {
        let name = UUID().uuidString.prefix(13)
        let folder = FileManager.default.temporaryDirectory
        let endpoints = ["commands", "events"].map { "ipc://\(folder.path)/fake-\(name)-\($0)" }
        (commands, events) = (endpoints[0], endpoints[1])
        serve(try await FakeWorker.begin(endpoints))
    }

    deinit {
        // libzmq leaves a socket's file where it was bound.
        for endpoint in [commands, events] {
            try? FileManager.default.removeItem(atPath: String(endpoint.dropFirst("ipc://".count)))
        }
        guard let life = state.withLock({ $0.life }) else { return }
        life.loop.post { life.close() }
        life.loop.end()
    }

    // MARK: Lives

    private static func begin(_ endpoints: [String]) async throws -> Life {
        try await offThePool {
            let loop = try SocketLoop(context: try Context(), name: "fake-worker")
            return try loop.perform {
                let life = try Life(loop)
                try life.router.bind(endpoints[0])
                try life.publisher.bind(endpoints[1])
                return life
            }
        }
    }

    private func serve(_ life: Life) {
        state.withLock { $0.life = life }
        life.loop.post { [weak self] in
            let reader = Reader()
            life.loop.add(life.router) { [weak self] in
                guard let frames = try? life.router.receiveFrames(), frames.count == 2 else { return .idle }
                guard let parts = try? reader.value(frames[1]).array, parts.count == 4 else { return .busy }
                self?.take(
                    Request(
                        peer: frames[0], msgid: parts[1].unsigned ?? 0, method: parts[2].string ?? "",
                        parameters: parts[3].array?.first ?? [:]))
                return .busy
            }
            life.loop.add(life.publisher) { [weak self] in
                guard let frames = try? life.publisher.receiveFrames() else { return .idle }
                if frames[0].first == 1 { self?.subscribed() }
                return .busy
            }
        }
    }

    /// Dies: every connection breaks, and what was not answered never will be.
    func stop() async throws {
        guard let life = state.withLock({ $0.life.take() }) else { return }
        try await FakeWorker.offThePool {
            try life.loop.perform { life.close() }
            life.loop.stop()
            life.loop.context.terminate()
        }
        state.withLock { $0.subscriptions = 0 }
    }

    /// Comes back at the same endpoints.
    func start() async throws { serve(try await FakeWorker.begin([commands, events])) }

    private static func offThePool<Result: Sendable>(
        _ work: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { done in
            Thread.detachNewThread { done.resume(with: Swift.Result { try work() }) }
        }
    }

    // MARK: Requests

    private func take(_ request: Request) {
        if let result = state.withLock({ $0.automatic })?(request) { return answer(request, result) }
        state.withLock { state in
            if let index = state.waiters.firstIndex(where: { $0.method == request.method }) {
                state.waiters.remove(at: index).continuation.resume(returning: request)
            } else {
                state.requests.append(request)
            }
        }
    }

    /// Waits for a request; each is handed out once.
    func next(_ method: ContainerProtocol.Method) async -> Request {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if let index = state.requests.firstIndex(where: { $0.method == method.rawValue }) {
                    continuation.resume(returning: state.requests.remove(at: index))
                } else {
                    state.waiters.append((method.rawValue, continuation))
                }
            }
        }
    }

    /// Requests that have come and that nobody has asked for, in the order of their coming.
    var waiting: [Request] { state.withLock { $0.requests } }

    /// Answers by itself from now on, where `answer` returns something.
    func answerAll(_ answer: @escaping @Sendable (Request) -> Result<Value, Failure>?) {
        state.withLock { $0.automatic = answer }
    }

    func answer(_ request: Request, _ result: Result<Value, Failure>) {
        switch result {
        case .success(let value): send(request.peer, [1, .unsigned(request.msgid), nil, value])
        case .failure(let failure): send(request.peer, [1, .unsigned(request.msgid), failure.value, nil])
        }
    }

    func answer(_ request: Request, _ value: Value) { answer(request, .success(value)) }

    func refuse(_ request: Request, _ failure: Failure) { answer(request, .failure(failure)) }

    /// Sends an `output` notification to whoever sent `request`.
    func write(
        _ text: String, at offset: UInt64, to request: Request, dropped: UInt64 = 0, isEnd: Bool = false
    ) {
        var piece: Value.Map = [
            "id": request.parameters["id"] ?? nil, "process": request.parameters["process"] ?? "init",
            "stream": "stdout", "offset": .unsigned(offset), "data": .binary(Array(text.utf8)),
        ]
        if dropped > 0 { piece["dropped"] = .unsigned(dropped) }
        if isEnd { piece["eof"] = true }
        send(request.peer, [2, "output", [.map(piece)]])
    }

    private func send(_ peer: [UInt8], _ body: Value) {
        guard let life = state.withLock({ $0.life }) else { return }
        life.loop.post {
            let writer = Writer()
            writer.value(body)
            do {
                try life.router.send(peer, more: true)
                try life.router.send(writer.bytes)
            } catch {
                Issue.record("the fake worker could not send: \(error)")
            }
        }
    }

    // MARK: Events

    private func subscribed() {
        state.withLock { state in
            state.subscriptions += 1
            for waiter in state.subscriptionWaiters { waiter.resume() }
            state.subscriptionWaiters = []
        }
    }

    /// Waits until someone has subscribed in this life.
    func subscription() async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if state.subscriptions > 0 {
                    continuation.resume()
                } else {
                    state.subscriptionWaiters.append(continuation)
                }
            }
        }
    }

    /// Publishes one message.
    func publish(_ body: Value) {
        guard let life = state.withLock({ $0.life }) else { return }
        life.loop.post {
            let writer = Writer()
            writer.value(body)
            do {
                let topic = "\(body["type"]?.string ?? "")/\(body["id"]?.string ?? "")"
                try life.publisher.send(Array(topic.utf8), more: true)
                try life.publisher.send(writer.bytes)
            } catch {
                Issue.record("the fake worker could not publish: \(error)")
            }
        }
    }
}
