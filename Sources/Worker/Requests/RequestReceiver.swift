import ContainerProtocol
import MessagePack

/// Takes what the command socket brings: the requests, or a test.
protocol RequestReceiver: AnyObject {
    /// Answers a request at once if that only needs a look-up: writes the whole reply to `writer`.
    /// - Returns: whether it did.
    func answerAtOnce(_ request: Request, _ writer: Writer) -> Bool
    /// Serves a request.
    func receive(_ request: Request, _ digest: ContentDigest?, _ route: ReplyRoute)
    /// Refuses what is no request, or one that its sender may not make.
    /// - Parameter method: nil where the message names none that there is.
    func refuse(_ refusal: Request.Refusal, of method: Method?, _ route: ReplyRoute)
}
