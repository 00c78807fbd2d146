public import ContainerProtocol

/// Where a process's output goes. Calls come in order for one stream, on any thread, and never block.
public protocol ProcessOutput: Sendable {
    /// Bytes that the process wrote.
    func write(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer)
    /// An unknown amount of the stream is missing here, as where what an earlier worker read cannot be had again.
    func lose(_ stream: OutputStream)
    /// The stream has ended.
    func end(_ stream: OutputStream)
}
