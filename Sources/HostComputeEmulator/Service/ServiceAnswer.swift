import CHostCompute
import MessagePack

/// The answer to a request: what the call returned, and its parameters that come out.
struct ServiceAnswer: Sendable, Equatable {
    var number: UInt64
    var code: HcsResult
    /// The result document; nil for NULL.
    var result: String?
    /// The properties or the list; nil for NULL.
    var text: String?
    /// The handle of what was made or opened; 0 for none.
    var handle: UInt64 = 0
    var pid: UInt32 = 0
    /// Which of input, output and error come with the frame, in this order.
    var streams = [false, false, false]

    init(number: UInt64, code: HcsResult) {
        self.number = number
        self.code = code
    }

    /// Nil for what is no answer.
    init?(_ fields: [Value]) {
        guard fields.count == 7, let number = fields[0].unsigned, let code = fields[1].signed.flatMap(HcsResult.init),
            let handle = fields[4].unsigned, let pid = fields[5].unsigned.flatMap(UInt32.init(exactly:)),
            let streams = fields[6].unsigned, streams < 8
        else { return nil }
        self.number = number
        self.code = code
        result = fields[2].string
        text = fields[3].string
        self.handle = handle
        self.pid = pid
        self.streams = (0..<3).map { streams >> UInt64($0) & 1 == 1 }
    }

    var body: [UInt8] {
        let writer = Writer()
        writer.array(7)
        writer.unsigned(number)
        writer.int(Int64(code))
        if let result { writer.string(result) } else { writer.null() }
        if let text { writer.string(text) } else { writer.null() }
        writer.unsigned(handle)
        writer.unsigned(UInt64(pid))
        writer.unsigned(streams.enumerated().reduce(0) { $0 | ($1.element ? 1 << UInt64($1.offset) : 0) })
        return writer.bytes
    }
}
