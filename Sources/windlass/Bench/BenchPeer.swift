import Foundation
import MessagePack
import ZeroMQ

/// A scheduler that asks one thing at a time and measures how long the answer takes, its own decoding left out.
final class BenchPeer {
    private let socket: Socket
    private let writer = Writer()
    private let reader = Reader()
    private var msgid: UInt32 = 0

    /// What came back, and how long it took.
    struct Answer {
        let value: Value
        let duration: Duration
    }

    /// Connects to `endpoint`, as soon as a worker serves there.
    /// - Parameter keys: for a connection by CURVE.
    init(_ endpoint: String, keys: BenchKeys? = nil) throws {
        socket = try Socket(.dealer, in: try Context())
        if let keys {
            try socket.set(.curveServerKey, keys.server.publicKey)
            try socket.set(.curvePublicKey, keys.client.publicKey)
            try socket.set(.curveSecretKey, keys.client.secretKey)
        }
        try socket.set(.linger, 0)
        try socket.set(.sendHighWaterMark, 0)
        try socket.set(.receiveTimeout, 120_000)
        try socket.set(.reconnectInterval, 1)
        try socket.connect(endpoint)
    }

    /// Sends a request and does not wait for its answer.
    func send(_ method: String, _ parameters: Value) throws {
        msgid += 1
        writer.clear()
        writer.value([0, .unsigned(UInt64(msgid)), .string(method), [parameters]])
        try socket.send(writer.bytes, wait: true)
    }

    /// Waits for the answer to the oldest request that has none, and hands its bytes over.
    func receive() throws -> [UInt8] {
        guard let frames = try socket.receiveFrames(wait: true), let body = frames.last else {
            throw BenchFailure("the worker does not answer")
        }
        return body
    }

    /// The oldest answer that has arrived; nil where none has.
    func receiveNow() throws -> [UInt8]? { try socket.receiveFrames(wait: false)?.last }

    /// The result that an answer carries.
    func result(_ body: [UInt8]) throws -> Value {
        guard let parts = try reader.value(body).array, parts.count == 4 else {
            throw BenchFailure("the worker's answer is no response")
        }
        guard parts[2].isNull else { throw BenchFailure("the worker refuses: \(parts[2]["message"]?.string ?? "")") }
        return parts[3]
    }

    /// Asks, and waits for the answer.
    func ask(_ method: String, _ parameters: Value = [:]) throws -> Answer {
        let start = ContinuousClock.now
        try send(method, parameters)
        let body = try receive()
        let duration = ContinuousClock.now - start
        return Answer(value: try result(body), duration: duration)
    }

    /// Asks for all pages of a method, whether it has them or answers in one piece.
    func pages(_ method: String) throws -> [Answer] {
        var answers = [try ask(method)]
        while let next = answers.last?.value["next"]?.string {
            answers.append(try ask(method, ["after": .string(next)]))
        }
        return answers
    }
}
