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
    /// A W3C trace context.
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
    }

    /// Reads a request.
    /// - Throws: ``Refusal``, always.
    public init(_ body: Element) throws {
        var msgid: UInt32 = 0
        do {
            // The msgid is read first of all, so that every later error can be told to the one who asked.
            if let count = body.arrayCount, count >= 2, let number = body[1].unsigned, let id = UInt32(exactly: number)
            {
                msgid = id
            }
            try Request.checkShape(body)
            let name = body[2].string ?? ""
            guard let method = Method.named(name) else {
                throw Failure(.unimplemented, "there is no method \"\(name.prefix(64))\" in protocol version 1")
            }
            var parameters = try Parameters(method: name, params: body[3])
            self.msgid = msgid
            self.method = method
            requestID = try Request.text(&parameters, "request_id", in: 1...128)
            traceparent = try Request.text(&parameters, "traceparent", in: 1...512)
            timeout = try parameters.unsigned("timeout_ms", in: 0...Command.longestMilliseconds)
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
            throw Failure.invalidArgument("msgid must be an int from 0 to 4294967295")
        }
        guard body[2].string != nil else {
            throw Failure.invalidArgument("method must be a str, not \(body[2].kind)")
        }
    }

    private static func text(
        _ parameters: inout Parameters, _ key: StaticString, in range: ClosedRange<Int>
    ) throws -> String? {
        guard let text = try parameters.string(key) else { return nil }
        guard range.contains(text.utf8.count), !text.utf8.contains(0) else {
            throw Failure.invalidArgument(
                "\"\(key)\" must have \(range.lowerBound) to \(range.upperBound) bytes and no NUL")
        }
        return text
    }
}
