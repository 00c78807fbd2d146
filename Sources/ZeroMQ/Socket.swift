import CZeroMQ
import Foundation

/// One libzmq socket. It belongs to the thread that made it, which is why it is not `Sendable`.
public final class Socket {
    /// What a socket is for.
    public enum Kind: Sendable {
        case router, dealer, request, reply, publish, subscribe, xpub, pair
        /// Plain TCP: each message is a connection's id and some of its bytes, empty where it begins or has ended.
        case stream

        var raw: Int32 {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            case .request: ZMQ_REQ
            case .reply: ZMQ_REP
            case .publish: ZMQ_PUB
            case .subscribe: ZMQ_SUB
            case .xpub: ZMQ_XPUB
            case .pair: ZMQ_PAIR
            case .stream: ZMQ_STREAM
            }
        }
    }

    /// libzmq's socket; nil once it is closed, which libzmq answers with `ENOTSOCK`.
    private(set) var raw: UnsafeMutableRawPointer?
    let context: Context
    /// Where it serves, and where it has connected to.
    private(set) var endpoints: [String] = []
    /// What libzmq calls the endpoints that it serves at, by what ``bind(_:)`` returned.
    private var boundNames: [String: String] = [:]

    /// A socket in `context`.
    ///
    /// It takes in whatever comes, and its owner has to read it: where a full queue stops a connection's input, a peer
    /// that resets the connection then aborts the process (libzmq 4.3.4 and 4.3.5: the heartbeats that have been read
    /// with the messages are answered on a connection that is gone). For the same reason no socket sends heartbeats of
    /// libzmq's own.
    public init(_ kind: Kind, in context: Context) throws(ZeroMQError) {
        if kind == .router { Socket.drawRoutingIDs() }
        guard let raw = zmq_socket(context.raw, kind.raw) else { throw ZeroMQError("zmq_socket(\(kind))") }
        self.raw = raw
        self.context = context
        try set(.receiveHighWaterMark, 0)
    }

    /// Makes the next ROUTER begin its automatic routing ids at a number that no peer can predict.
    ///
    /// libzmq takes that number from `rand()` and never seeds it (libzmq#4633). A peer that knows the next id can claim
    /// it, and the connection that should get it aborts the process. The seed is drawn for every ROUTER, on the thread
    /// that makes it, because Windows keeps one per thread. Windows's `rand()` allows only 65,536 beginnings.
    private static func drawRoutingIDs() { srand(.random(in: 0 ... .max)) }

    deinit { close() }

    /// Closes the socket; unsent messages are kept for the `linger` time. A second call does nothing.
    public func close() {
        guard let open = raw else { return }
        raw = nil
        zmq_close(open)
    }

    // MARK: Options

    /// Sets an option.
    public func set(_ option: SocketOption<Int32>, _ value: Int32) throws(ZeroMQError) {
        try setRaw(option.name, option.label, value)
    }

    /// Sets an option.
    public func set(_ option: SocketOption<Int64>, _ value: Int64) throws(ZeroMQError) {
        try setRaw(option.name, option.label, value)
    }

    /// Sets an option; libzmq takes a C `int` for it.
    public func set(_ option: SocketOption<Bool>, _ value: Bool) throws(ZeroMQError) {
        try setRaw(option.name, option.label, Int32(value ? 1 : 0))
    }

    /// Sets an option; libzmq takes its bytes without a NUL.
    public func set(_ option: SocketOption<String>, _ value: String) throws(ZeroMQError) {
        var value = value
        let status = value.withUTF8 { zmq_setsockopt(raw, option.name, $0.baseAddress, $0.count) }
        guard status == 0 else { throw ZeroMQError(option.label) }
    }

    /// Sets a key, as its 32 bytes.
    public func set(_ option: SocketOption<CurveKey>, _ value: CurveKey) throws(ZeroMQError) {
        let status = value.bytes.withUnsafeBufferPointer { zmq_setsockopt(raw, option.name, $0.baseAddress, $0.count) }
        guard status == 0 else { throw ZeroMQError(option.label) }
    }

    private func setRaw<Value: BitwiseCopyable>(
        _ name: Int32, _ label: String, _ value: Value
    ) throws(ZeroMQError) {
        var value = value
        guard zmq_setsockopt(raw, name, &value, MemoryLayout<Value>.size) == 0 else { throw ZeroMQError(label) }
    }

    #if os(Windows)
        typealias Descriptor = UInt64
    #else
        typealias Descriptor = Int32
    #endif

    /// What becomes readable when something has happened on the socket: it must then be read until nothing is there.
    var descriptor: Descriptor {
        get throws(ZeroMQError) {
            var descriptor: Descriptor = 0
            var size = MemoryLayout<Descriptor>.size
            guard zmq_getsockopt(raw, ZMQ_FD, &descriptor, &size) == 0 else { throw ZeroMQError("ZMQ_FD") }
            return descriptor
        }
    }

    // MARK: Endpoints

    /// Serves at `endpoint`.
    /// - Returns: the endpoint with the port that a `*` or a 0 became.
    @discardableResult
    public func bind(_ endpoint: String) throws(ZeroMQError) -> String {
        guard zmq_bind(raw, endpoint) == 0 else { throw ZeroMQError("cannot bind \(endpoint)") }
        let name = try lastEndpoint()
        let endpoint = Socket.withoutMapping(name)
        endpoints.append(endpoint)
        boundNames[endpoint] = name
        return endpoint
    }

    /// Connects to `endpoint`, now or as soon as a peer serves there.
    public func connect(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_connect(raw, endpoint) == 0 else { throw ZeroMQError("cannot connect to \(endpoint)") }
        endpoints.append(endpoint)
    }

    /// Serves no longer at `endpoint`, as ``bind(_:)`` returned it, and ends all connections that came by it.
    public func unbind(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_unbind(raw, boundNames[endpoint] ?? endpoint) == 0 else {
            throw ZeroMQError("cannot give up \(endpoint)")
        }
        endpoints.removeAll { $0 == endpoint }
        boundNames[endpoint] = nil
    }

    /// Ends the connection to `endpoint`, and connects to it no more.
    public func disconnect(_ endpoint: String) throws(ZeroMQError) {
        guard zmq_disconnect(raw, endpoint) == 0 else { throw ZeroMQError("cannot disconnect from \(endpoint)") }
        endpoints.removeAll { $0 == endpoint }
    }

    private func lastEndpoint() throws(ZeroMQError) -> String {
        var text = [UInt8](repeating: 0, count: 1024)
        var count = text.count
        guard zmq_getsockopt(raw, ZMQ_LAST_ENDPOINT, &text, &count) == 0 else {
            throw ZeroMQError("ZMQ_LAST_ENDPOINT")
        }
        // The count includes the closing NUL.
        return String(decoding: text.prefix(max(0, count - 1)), as: UTF8.self)
    }

    private static func withoutMapping(_ endpoint: String) -> String {
        // With IPv6 on, an IPv4 address comes back mapped into IPv6, which a peer without IPv6 cannot connect to.
        guard let mapped = endpoint.range(of: "[::ffff:"), let end = endpoint.range(of: "]") else { return endpoint }
        return String(
            endpoint[..<mapped.lowerBound] + endpoint[mapped.upperBound..<end.lowerBound] + endpoint[end.upperBound...])
    }

    // MARK: Messages

    /// Receives one frame into `message`.
    /// - Returns: false where none is there and `wait` is false, or where the receive timeout passed.
    public func receive(into message: inout Message, wait: Bool = false) throws(ZeroMQError) -> Bool {
        while true {
            if zmq_msg_recv(&message.raw, raw, wait ? 0 : ZMQ_DONTWAIT) >= 0 { return true }
            switch zmq_errno() {
            case EAGAIN: return false
            // A signal came: nothing has been received, and nothing lost.
            case EINTR: continue
            default: throw ZeroMQError("zmq_msg_recv")
            }
        }
    }

    /// Sends one frame, copied.
    /// - Returns: false where there is no room for it and `wait` is false, or where the send timeout passed.
    @discardableResult
    public func send(_ bytes: UnsafeRawBufferPointer, more: Bool = false, wait: Bool = false) throws(ZeroMQError)
        -> Bool
    {
        let flags = (more ? ZMQ_SNDMORE : 0) | (wait ? 0 : ZMQ_DONTWAIT)
        while true {
            if zmq_send(raw, bytes.baseAddress, bytes.count, flags) >= 0 { return true }
            switch zmq_errno() {
            case EAGAIN: return false
            case EINTR: continue
            default: throw ZeroMQError("zmq_send")
            }
        }
    }

    /// Sends one frame, copied.
    @discardableResult
    public func send(_ bytes: [UInt8], more: Bool = false, wait: Bool = false) throws(ZeroMQError) -> Bool {
        let result: Result<Bool, ZeroMQError> = bytes.withUnsafeBytes { buffer in
            Result { () throws(ZeroMQError) in try send(buffer, more: more, wait: wait) }
        }
        return try result.get()
    }

    /// Sends one frame without a copy.
    /// - Parameter memory: from malloc; it belongs to libzmq from here on, whatever becomes of the frame.
    /// - Returns: false where there is no room for it.
    @discardableResult
    public func send(adopting memory: UnsafeMutableRawBufferPointer, more: Bool = false) throws(ZeroMQError) -> Bool {
        var message = zmq_msg_t()
        // libzmq calls this on one of its own threads, when the last byte has gone.
        guard zmq_msg_init_data(&message, memory.baseAddress, memory.count, { data, _ in free(data) }, nil) == 0 else {
            free(memory.baseAddress)
            throw ZeroMQError("zmq_msg_init_data")
        }
        while zmq_msg_send(&message, raw, (more ? ZMQ_SNDMORE : 0) | ZMQ_DONTWAIT) < 0 {
            let error = ZeroMQError("zmq_msg_send")
            if error.code == EINTR { continue }
            zmq_msg_close(&message)
            if error.isWouldBlock { return false }
            throw error
        }
        return true
    }

    /// Receives a whole message.
    /// - Returns: nil where none is there and `wait` is false, or where the receive timeout passed.
    public func receiveFrames(wait: Bool = false) throws(ZeroMQError) -> [[UInt8]]? {
        var message = Message()
        guard try receive(into: &message, wait: wait) else { return nil }
        var frames = [message.bytes]
        while message.hasMore, try receive(into: &message, wait: true) { frames.append(message.bytes) }
        return frames
    }
}
