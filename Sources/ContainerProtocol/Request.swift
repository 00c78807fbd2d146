public import MessagePack

/// One request: `[0, msgid, method, [params]]`.
public struct Request: Sendable {
    /// Correlates the response; nothing more.
    public var msgid: UInt32
    /// The method's name.
    public var method: Method
    /// What is asked.
    public var command: Command
    /// Makes the request idempotent.
    public var requestID: String?
    /// The deadline, counted from arrival.
    public var timeout: Duration?
    /// A W3C trace context; one that is malformed is dropped.
    public var traceparent: String?

    /// Why a body is not a request, and the msgid to answer under: 0 where none could be read.
    public struct Refusal: Error, Sendable {
        /// The msgid to answer under.
        public var msgid: UInt32
        /// What is wrong.
        public var failure: Failure

        /// A refusal.
        public init(msgid: UInt32, failure: Failure) {
            self.msgid = msgid
            self.failure = failure
        }

        /// The refusal of a body that cannot be read as a whole; its msgid is read where it stands in its place.
        public init(unreadable body: UnsafeRawBufferPointer, _ error: any Error) {
            let head = Reader.leadingIntegers(2, of: body)
            msgid = head.count == 2 ? UInt32(exactly: head[1]) ?? 0 : 0
            failure = .invalidArgument("the body is not acceptable: \(error)")
        }
    }

    /// Reads a request.
    /// - Throws: ``Refusal``, always.
    public init(_ body: Element) throws {
        var msgid: UInt32 = 0
        do {
            // The msgid is read first, so that a reply can carry every later error.
            if let count = body.arrayCount, count >= 2, let number = body[1].unsigned, let id = UInt32(exactly: number)
            {
                msgid = id
            }
            try Request.checkShape(body)
            let name = body[2].string ?? ""
            guard let method = Method.named(name) else {
                throw Failure(.unimplemented, "there is no method \"\(Excerpt(name))\" in protocol version 1")
            }
            var parameters = try Parameters(method: name, params: body[3])
            self.msgid = msgid
            self.method = method
            requestID = try parameters.string("request_id", bytes: Bounds.requestID)
            traceparent = try parameters.string("traceparent", bytes: Bounds.traceparent)
                .flatMap(TraceContext.valid)
            timeout = try parameters.unsigned("timeout_ms", in: Bounds.milliseconds)
                .map { .milliseconds(Int64($0)) }
            command = try Command(method, &parameters)
            try parameters.finish()
        } catch let failure as Failure {
            throw Refusal(msgid: msgid, failure: failure)
        } catch let error as MessageError {
            throw Refusal(msgid: msgid, failure: .invalidArgument(error.description))
        }
    }

    private static func checkShape(_ body: Element) throws {
        guard let count = body.arrayCount, count == 4 else {
            let got = body.arrayCount.map { "an array of \($0)" } ?? body.kind
            throw Failure.invalidArgument("a request is [0, msgid, method, [params]], not \(got)")
        }
        guard body[0].unsigned == 0 else {
            throw Failure.invalidArgument("the first element of a request must be 0")
        }
        guard let number = body[1].unsigned, UInt32(exactly: number) != nil else {
            throw Failure.invalidArgument("msgid must be an int from 0 to \(Bounds.msgid.upperBound)")
        }
        guard body[2].string != nil else {
            throw Failure.invalidArgument("method must be a str, not \(body[2].kind)")
        }
    }
}
