import ContainerProtocol
import MessagePack

/// Which request: a `request_id` is its principal's own.
struct RequestKey: Sendable, Hashable {
    var principal: String
    var id: String
}

/// A request that runs once, as the journal has it.
struct StoredRequest: Sendable {
    var key: RequestKey
    /// What it asks for, as a digest.
    var digest: ContentDigest
    var method: String
    /// When it came, in whole seconds since 1970.
    var second: Int64
    /// Whether its answer is kept; it was running otherwise.
    var isAnswered = false
}

/// The answer to a request, in its wire form.
struct StoredAnswer: Sendable {
    var isFailure: Bool
    /// The encoded `result` or `error`.
    var body: [UInt8]
    /// Whether it replaces a damaged answer.
    private(set) var isDamaged = false

    init(isFailure: Bool, body: [UInt8]) {
        self.isFailure = isFailure
        self.body = body
    }

    /// What is answered in place of an answer, or of what was asked, that is damaged.
    static func damaged(_ request: RequestKey) -> StoredAnswer {
        let writer = Writer()
        writer.value(
            Failure(
                .dataLoss,
                "what the journal kept of the request_id \"\(request.id.prefix(64))\" is damaged, so that its answer is not "
                    + "known; look at the container with `state`, and use a new request_id for what is to be done"
            ).value)
        var answer = StoredAnswer(isFailure: true, body: writer.bytes)
        answer.isDamaged = true
        return answer
    }
}

/// What became of a request that runs once.
enum RequestChange: Sendable {
    case began(StoredRequest)
    case answered(RequestKey, StoredAnswer)
    /// It may be made again: it left nothing behind, or it is too old.
    case forgotten(RequestKey)
}
