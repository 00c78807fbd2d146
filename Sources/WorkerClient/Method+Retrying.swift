import ContainerProtocol
import MessagePack

/// How the client repeats requests of a method.
extension Method {
    /// How long a try may go without an answer on a connection that stands before it is repeated there.
    ///
    /// A broken connection is seen at once and needs no patience. This is for losses that no connection reports: a
    /// reply that the worker had to discard, or a worker that went away behind a broker.
    var patience: Duration {
        if isAskedAnew { return Method.longestWait + .seconds(5) }
        return traits.lane == .mutating || traits.waitsForExit ? .seconds(60) : .seconds(10)
    }

    /// Whether a try has a deadline of its own, after which the request is sent again.
    ///
    /// A wait may last for years. With this deadline a worker does not keep a wait whose client is gone.
    var isAskedAnew: Bool { self == .wait }

    /// The longest that one try of a wait lasts.
    static let longestWait = Duration.seconds(30)

    /// Whether a request is about its connection: then it is never repeated.
    var endsWithConnection: Bool { self == .credit || self == .detach }

    /// Whether the client gives a request with `parameters` an id, so that the worker runs it once. Input with an
    /// offset needs none.
    func needsRequestID(_ parameters: Value.Map) -> Bool {
        traits.changes && parameters["request_id"] == nil && !(self == .stdin && parameters["offset"] != nil)
    }
}
