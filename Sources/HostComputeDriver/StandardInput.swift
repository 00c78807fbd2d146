import CHostCompute
import ContainerDriver
import Synchronization

/// The standard input of a process: a stream of the reactor, which buffers at most 256 KiB for it.
///
/// It knows the stream and not the process, so that a write meets no lock that a call of the service may hold.
final class StandardInput: ProcessInput {
    private let stream: hc_stream
    /// Whose it is, in messages.
    private let subject: String
    private let isEnded = Atomic(false)

    init(_ stream: hc_stream, of subject: String) {
        self.stream = stream
        self.subject = subject
    }

    func write(_ bytes: [UInt8], end: Bool) throws(DriverFailure) -> Int {
        guard !isEnded.load(ordering: .relaxed) else {
            throw DriverFailure(.failedPrecondition, "the standard input of \(subject) has been ended already")
        }
        var taken = 0
        if !bytes.isEmpty {
            taken = Int(bytes.withUnsafeBufferPointer { hc_stream_write(stream, $0.baseAddress, $0.count) })
            guard taken >= 0 else {
                throw DriverFailure(.failedPrecondition, "\(subject) no longer reads its standard input")
            }
        }
        if end && taken == bytes.count {
            isEnded.store(true, ordering: .relaxed)
            _ = hc_stream_finish(stream)
        }
        return taken
    }

    /// Gives up what the process has not read.
    func close() { hc_stream_close(stream) }
}
