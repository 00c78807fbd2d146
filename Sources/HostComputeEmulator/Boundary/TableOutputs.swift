import CHostCompute

/// Where a function of the table writes what it gives; nil for NULL, and for what the function does not have.
struct TableOutputs {
    typealias Text = UnsafeMutablePointer<UnsafeMutablePointer<HcsChar>?>

    var result: Text?
    var text: Text?
    var handle: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
    var information: UnsafeMutablePointer<HcsProcessInformation>?

    /// Makes everything empty; throws where one is NULL that the call must have.
    func clear(for call: EmulatorCall) throws(HostFailure) {
        if let kind = call.makes { try TableOutputs.required(handle, kind.parameter).pointee = nil }
        if let name = call.textParameter { try TableOutputs.required(text, name).pointee = nil }
        if call.givesInformation {
            try TableOutputs.required(information, "processInformation").pointee = HcsProcessInformation()
        }
    }

    static func required<Value>(_ pointer: Value?, _ name: String) throws(HostFailure) -> Value {
        guard let pointer else { throw .invalidArgument("\(name) must not be NULL.") }
        return pointer
    }

    /// Hands the reply to the caller; 0 stands for a stream that there is not.
    func write(_ reply: EmulatorReply) -> HcsResult {
        result?.pointee = reply.result.flatMap(WideString.allocate)
        if let text, let document = reply.text {
            guard let copy = WideString.allocate(document) else { return ResultCode.outOfMemory }
            text.pointee = copy
        }
        if reply.handle != 0 { handle?.pointee = UnsafeMutableRawPointer(bitPattern: UInt(reply.handle)) }
        if let information, reply.streams.count == 3 {
            let stream = { (descriptor: Int32) in
                descriptor < 0 ? nil : UnsafeMutableRawPointer(bitPattern: Int(descriptor))
            }
            information.pointee = HcsProcessInformation(
                ProcessId: reply.pid, Reserved: 0, StdInput: stream(reply.streams[0]),
                StdOutput: stream(reply.streams[1]), StdError: stream(reply.streams[2]))
        }
        return reply.code
    }
}
