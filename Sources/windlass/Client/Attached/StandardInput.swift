import Foundation

/// Standard input, read one piece at a time and only when the next one is wanted.
///
/// A read cannot be called off: it waits on a thread of its own, which the end of the program ends too.
final class StandardInput: Sendable {
    private let wanted = DispatchSemaphore(value: 0)
    private let pieces: AsyncStream<[UInt8]>

    /// Well below what a request may have.
    private static let pieceSize = 64 * 1024

    init() {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        pieces = stream
        let wanted = wanted
        let thread = Thread {
            while true {
                wanted.wait()
                let bytes = Terminal.readInput(StandardInput.pieceSize)
                if bytes.isEmpty { break }
                continuation.yield(bytes)
            }
            continuation.finish()
        }
        thread.name = "standard-input"
        thread.start()
    }

    /// The next bytes; nil at the end, and when the task is cancelled.
    func next() async -> [UInt8]? {
        wanted.signal()
        var iterator = pieces.makeAsyncIterator()
        return await iterator.next()
    }
}
