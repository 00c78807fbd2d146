import CLinux
import Glibc

/// One end of a connection that carries frames, with descriptors beside them. It is closed with its last reference.
final class FrameSocket: Sendable {
    private let descriptor: Int32

    /// Takes the descriptor over.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { FileDescriptor.close(descriptor) }

    /// Shuts down both directions: reads and writes that are blocked return.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// How long a read may wait; zero for ever.
    func limitReads(to seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The process at the other end, and its user; nil if the system does not report them. For a service it is the
    /// process that made the socket.
    var peer: (process: pid_t, user: uid_t)? {
        var process: pid_t = 0
        var user: uid_t = 0
        return linux_peer(descriptor, &process, &user) == 0 ? (process, user) : nil
    }

    /// Whether the other end has closed, though what it sent before may still wait to be read.
    var hasLostPeer: Bool { linux_has_lost_peer(descriptor) }

    // MARK: Receiving

    /// Waits for a frame; nil when the other end has gone, or sends what is none.
    /// - Parameter takesDescriptors: those of a peer that was not asked for any are dropped by the kernel.
    func receive(longest: Int, takesDescriptors: Bool) -> Frame? {
        var descriptors: [Int32] = []
        guard let head = read(4, takesDescriptors, &descriptors) else { return FrameSocket.dropped(descriptors) }
        let length = head.reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= longest, let body = read(length, takesDescriptors, &descriptors) else {
            return FrameSocket.dropped(descriptors)
        }
        return Frame(body: body, descriptors: descriptors)
    }

    private static func dropped(_ descriptors: [Int32]) -> Frame? {
        for descriptor in descriptors { FileDescriptor.close(descriptor) }
        return nil
    }

    /// Exactly `count` bytes. Memory grows with what has come, not with what was announced.
    private func read(_ count: Int, _ takesDescriptors: Bool, _ descriptors: inout [Int32]) -> [UInt8]? {
        let chunk = 1 << 20
        var bytes: [UInt8] = []
        while bytes.count < count {
            let filled = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: min(chunk, count - filled)))
            var offset = filled
            while offset < bytes.count {
                let got = bytes.withUnsafeMutableBytes { buffer in
                    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
                    return takesDescriptors
                        ? receive(rest, &descriptors) : recv(descriptor, rest.baseAddress, rest.count, 0)
                }
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { return nil }
                offset += got
            }
        }
        return bytes
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer, _ descriptors: inout [Int32]) -> Int {
        var come = [Int32](repeating: FileDescriptor.none, count: Frame.mostDescriptors)
        var count: Int32 = 0
        let got = linux_receive(descriptor, buffer.baseAddress, buffer.count, &come, &count)
        descriptors += come.prefix(Int(count))
        return got
    }

    // MARK: Sending

    /// How a write went.
    enum Sent { case bytes(Int), full, failed }

    /// Sends the beginning of `bytes`, with the descriptors beside the first of them, as far as there is room.
    func send(_ bytes: ArraySlice<UInt8>, _ descriptors: [Int32]) -> Sent {
        let count = bytes.withUnsafeBytes {
            linux_send(descriptor, $0.baseAddress, $0.count, descriptors, Int32(descriptors.count))
        }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .full : .failed
    }

    /// Waits until there is room to send, or the other end has gone.
    func waitForRoom() {
        var query = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&query, 1, -1)
    }
}
