public import ContainerDriver
public import ContainerModel

extension ProcessOutput {
    /// Writes as a process does whose driver never stops.
    public func write(_ stream: OutputStream, _ bytes: UnsafeRawBufferPointer) {
        _ = write(stream, bytes, resume: {})
    }
}
