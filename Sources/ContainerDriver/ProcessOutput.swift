public import ContainerModel

/// Receives a process's output. Calls for one stream come in order, on any thread, and must not block.
public protocol ProcessOutput: Sendable {
    /// Bytes that the process wrote.
    ///
    /// After a result of false the driver stops reading this stream, so that the process waits in its writes as it does
    /// for a full pipe, until `resume` is called: once, on any thread. Bytes that it has read already, or must read
    /// before an exit is reported, it still hands over. A stream may end while it is stopped.
    /// - Parameter resume: has the driver read the stream again. It does not block, and does nothing where the stream is
    ///   gone.
    /// - Returns: whether the driver goes on reading.
    func write(
        _ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, resume: @escaping @Sendable () -> Void
    ) -> Bool
    /// An unknown amount of the stream is missing here, for example output that an earlier worker had read and lost.
    func lose(_ stream: OutputStream)
    /// So many bytes of the process's output, of whichever stream, are missing here.
    func lose(_ bytes: UInt64)
    /// How many bytes of both streams together it has been given since the process's start, missing ones included: where
    /// a driver goes on that keeps output itself. Nil where that is not known.
    var position: UInt64? { get }
    /// The stream has ended.
    func end(_ stream: OutputStream)
}

extension ProcessOutput {
    /// As an unknown amount, of the first stream.
    public func lose(_ bytes: UInt64) { lose(.stdout) }
    /// Not known.
    public var position: UInt64? { nil }
}
