import CSupervisor
import ContainerModel

/// A piece of a process's output, as a supervisor sends it or its file has it.
struct OutputPiece {
    /// How many bytes before it are gone.
    var dropped: UInt64
    /// Where the output goes on.
    var next: UInt64
    /// The streams that end at ``next``.
    var ended: Set<OutputStream>
    /// Chunks, each with its head.
    private let chunks: UnsafeRawBufferPointer

    /// - Parameter chunks: what follows `output`; valid as long as this value is.
    init(_ output: supervisor_output, _ chunks: UnsafeRawBufferPointer) {
        dropped = output.dropped
        next = output.next
        ended = SupervisedState.ended(output.flags)
        self.chunks = chunks
    }

    /// Calls `body` with every chunk, in order.
    /// - Returns: false where the piece is not what it should be.
    func forEach(_ body: (OutputStream, UnsafeRawBufferPointer) -> Void) -> Bool {
        let head = MemoryLayout<supervisor_chunk>.size
        var place = 0
        while place < chunks.count {
            guard place + head <= chunks.count else { return false }
            let chunk = chunks.loadUnaligned(fromByteOffset: place, as: supervisor_chunk.self)
            place += head
            let length = Int(chunk.length)
            guard length <= chunks.count - place, chunk.stream == 1 || chunk.stream == 2 else { return false }
            body(
                chunk.stream == 1 ? .stdout : .stderr, UnsafeRawBufferPointer(rebasing: chunks[place..<place + length]))
            place += length
        }
        return true
    }
}
