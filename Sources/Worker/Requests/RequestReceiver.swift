import ContainerProtocol
import MessagePack

/// Takes what the command socket brings: the requests, or a test.
protocol RequestReceiver: AnyObject {
    /// Answers a request at once if that only needs a look-up: writes the whole reply to `writer`.
    /// - Returns: whether it did.
    func answerAtOnce(_ request: Request, _ writer: Writer) -> Bool
    /// Serves a request.
    func receive(_ request: Request, _ digest: ContentDigest?, _ route: ReplyRoute)
    /// Refuses what is no request.
    func refuse(_ refusal: Request.Refusal, _ route: ReplyRoute)
}
