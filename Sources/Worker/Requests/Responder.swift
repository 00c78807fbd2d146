import ContainerProtocol

/// What became of a message that was sent.
enum Delivery: Sendable {
    case sent
    /// The peer reads too slowly.
    case full
    /// No peer has the routing id any more.
    case unreachable
}

/// Answers requests and sends notifications: what a container needs of the requests' owner. On the loop only.
protocol Replies: AnyObject {
    /// Answers a request, once everything that it caused has been published. A request that has been answered already,
    /// for example when its deadline passed, is not answered again.
    func complete(_ number: UInt64, _ result: Result<any WireEncodable, Failure>)

    /// Sends a notification besides the replies.
    func notify(_ route: ReplyRoute, _ output: OutputNotification) -> Delivery
}

/// The way back to the peer that sent a request.
struct Responder: Sendable {
    /// The worker's own number for the request.
    let number: UInt64
    /// Where the request came from; nil where no peer waits for its answer.
    let route: ReplyRoute?
    let replies: LoopBound<any Replies>

    /// Replies with a result.
    func succeed(_ result: any WireEncodable) { replies.value.complete(number, .success(result)) }

    /// Replies with an error.
    func fail(_ failure: Failure) { replies.value.complete(number, .failure(failure)) }
}
