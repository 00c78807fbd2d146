import CHostCompute
import MessagePack

/// What a call returns, and its parameters that come out.
struct EmulatorReply: Sendable {
    var code = ResultCode.success
    /// The result document; nil for NULL.
    var result: String?
    /// The properties or the list; nil for NULL.
    var text: String?
    /// The handle of what was made or opened; 0 for none.
    var handle: UInt64 = 0
    var pid: UInt32 = 0
    /// The descriptors of input, output and error, which belong to the caller, where the call gives them; -1 for none.
    var streams: [Int32] = []
}

extension EmulatorReply {
    /// The reply to a refused call.
    init(_ failure: HostFailure) {
        code = failure.code
        result = failure.message == HostFailure.unparsable ? "{not JSON" : failure.document
    }

    // MARK: On the socket

    /// The reply as a service sends it; the descriptors go beside it.
    func body(_ number: UInt64) -> [UInt8] {
        let writer = Writer()
        writer.array(7)
        writer.unsigned(number)
        writer.int(Int64(code))
        if let result { writer.string(result) } else { writer.null() }
        if let text { writer.string(text) } else { writer.null() }
        writer.unsigned(handle)
        writer.unsigned(UInt64(pid))
        writer.unsigned(streams.enumerated().reduce(0) { $0 | ($1.element >= 0 ? 1 << UInt64($1.offset) : 0) })
        return writer.bytes
    }

    /// Nil for what is no reply.
    /// - Returns: `isComplete` is false where this process could not take a descriptor that came with it.
    static func read(
        _ fields: [Value], _ descriptors: [Int32]
    ) -> (number: UInt64, reply: EmulatorReply, isComplete: Bool)? {
        guard fields.count == 7, let number = fields[0].unsigned, let code = fields[1].signed.flatMap(HcsResult.init),
            let handle = fields[4].unsigned, let pid = fields[5].unsigned.flatMap(UInt32.init(exactly:)),
            let given = fields[6].unsigned, given < 8
        else { return nil }
        var left = descriptors[...]
        let streams = (0..<3).map { stream in
            given >> UInt64(stream) & 1 == 1
                ? FileDescriptor.raise(left.popFirst() ?? FileDescriptor.none) : FileDescriptor.none
        }
        for descriptor in left { FileDescriptor.close(descriptor) }
        let reply = EmulatorReply(
            code: code, result: fields[2].string, text: fields[3].string, handle: handle, pid: pid, streams: streams)
        return (number, reply, streams.count { $0 >= 0 } == given.nonzeroBitCount)
    }
}
