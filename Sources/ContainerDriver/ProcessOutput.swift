public import ContainerModel

/// Receives a process's output. Calls for one stream come in order, on any thread, and must not block.
public protocol ProcessOutput: Sendable {
    /// Bytes that the process wrote.
    func write(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer)
    /// An unknown amount of the stream is missing here, for example output that an earlier worker had read and lost.
    func lose(_ stream: OutputStream)
    /// The stream has ended.
    func end(_ stream: OutputStream)
}
