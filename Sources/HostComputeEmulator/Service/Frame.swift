import CLinux

/// A message between an emulator service and its client: a MessagePack body, and file descriptors beside it.
///
/// On the wire a frame is the body's length in four bytes, the highest first, and the body. The descriptors travel with
/// its first byte, so what is received within a frame belongs to it.
struct Frame: Sendable {
    /// The longest body that a service takes from a client: a worker's longest request is far below it.
    static let longestRequest = 8 << 20
    /// The longest that a client takes from a service: the list of a hundred thousand compute systems fits.
    static let longestAnswer = 256 << 20
    /// The most descriptors of one frame.
    static let mostDescriptors = Int(LINUX_MOST_DESCRIPTORS)

    var body: [UInt8]
    /// Owned by the frame; its last owner must close them.
    var descriptors: [Int32] = []

    /// The length and the body, as they are sent.
    var bytes: [UInt8] {
        let length = UInt32(clamping: body.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + body
    }

    func closeDescriptors() {
        for descriptor in descriptors { FileDescriptor.close(descriptor) }
    }
}
