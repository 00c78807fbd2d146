import ContainerProtocol
import MessagePack

/// How the client repeats requests of a method.
extension Method {
    /// How long a try may go without an answer on a connection that stands before it is repeated there.
    ///
    /// A broken connection is seen at once and needs no patience. This is for what no connection tells: a reply that the
    /// worker had to give up, or a worker that went away behind a broker.
    var patience: Duration {
        if isAskedAnew { return Method.longestWait + .seconds(5) }
        return traits.lane == .mutating || traits.waitsForExit ? .seconds(60) : .seconds(10)
    }

    /// Whether a try has a deadline of its own, after which the question is asked anew.
    ///
    /// A wait may last for years: with this a worker does not keep what a client has long forgotten.
    var isAskedAnew: Bool { self == .wait }

    /// The longest that one try of a wait lasts.
    static let longestWait = Duration.seconds(30)

    /// Whether a request is about its connection: then it is never repeated.
    var endsWithConnection: Bool { self == .credit || self == .detach }

    /// Whether a request with `parameters` gets an id from the client, so that the worker runs it once however often it
    /// comes. Input that says where it belongs needs none.
    func needsRequestID(_ parameters: Value.Map) -> Bool {
        traits.changes && parameters["request_id"] == nil && !(self == .stdin && parameters["offset"] != nil)
    }
}
