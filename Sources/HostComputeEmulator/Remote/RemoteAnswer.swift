import CHostCompute

/// What the service has answered to a call.
struct RemoteAnswer: Sendable {
    var code: HcsResult
    var result: String?
    var text: String?
    var handle: UInt64 = 0
    var pid: UInt32 = 0
    /// Input, output and error; they belong to the caller.
    var streams = [FileDescriptor.none, FileDescriptor.none, FileDescriptor.none]

    init(code: HcsResult) { self.code = code }

    init(_ answer: ServiceAnswer, _ streams: [Int32]) {
        code = answer.code
        result = answer.result
        text = answer.text
        handle = answer.handle
        pid = answer.pid
        self.streams = streams
    }
}
