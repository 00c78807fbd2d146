import ContainerProtocol
import MessagePack

/// The request that something comes of.
struct Cause: Sendable {
    var requestID: String?
    var traceparent: String?

    init(_ command: QueuedCommand) {
        requestID = command.requestID
        traceparent = command.traceparent
    }

    init(requestID: String?, traceparent: String?) {
        self.requestID = requestID
        self.traceparent = traceparent
    }
}

/// `{exit}`, the result of `wait` and `stop`.
struct ExitResult: WireEncodable {
    let exit: Exit

    init(_ exit: Exit) { self.exit = exit }

    func encode(to writer: Writer) {
        writer.map(1)
        writer.string("exit")
        exit.encode(to: writer)
    }
}
