import ContainerProtocol

/// The way back to the one who asked: answers a request that the gateway remembers, once.
struct Responder: Sendable {
    /// The gateway's number for the request.
    let number: UInt64
    let gateway: CommandGateway
    /// Who asked, for what is sent besides the reply.
    let route: ReplyRoute

    /// Answers. A request that has been answered already, by its deadline say, is not answered again.
    func succeed(_ result: any WireEncodable) { gateway.answer(number, .success(result)) }

    /// Answers with an error.
    func fail(_ failure: Failure) { gateway.answer(number, .failure(failure)) }
}

/// Where a request came from: the routing id that the ROUTER gave, and whether an empty frame came before the body.
///
/// It says where a reply goes, never who asked: anyone may take over a routing id.
struct ReplyRoute: Sendable, Hashable {
    var routingID: [UInt8]
    var hasDelimiter: Bool
}
