import Glibc

/// One end of a connection that carries frames, with descriptors beside them. It is closed with its last reference.
final class FrameSocket: Sendable {
    // Flags that the C library's module does not know as integers.
    private static let dontWait: Int32 = 0x40
    private static let noSignal: Int32 = 0x4000
    private static let closeOnExec: Int32 = 0x4000_0000
    private static let rights: Int32 = 1  // SCM_RIGHTS

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
        // struct ucred: the ids of the process, its user and its group.
        var identity = [UInt32](repeating: .max, count: 3)
        var size = socklen_t(3 * MemoryLayout<UInt32>.size)
        let peerCredentials: Int32 = 17  // SO_PEERCRED
        guard getsockopt(descriptor, SOL_SOCKET, peerCredentials, &identity, &size) == 0 else { return nil }
        return (pid_t(bitPattern: identity[0]), identity[1])
    }

    /// Whether the other end has closed, though what it sent before may still wait to be read.
    var hasLostPeer: Bool {
        let closedForReading: Int16 = 0x2000  // POLLRDHUP
        var query = pollfd(fd: descriptor, events: closedForReading, revents: 0)
        return poll(&query, 1, 0) == 1
    }

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
        var part = iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
        let room = FrameSocket.controlSize(Frame.mostDescriptors)
        return withUnsafeTemporaryAllocation(byteCount: room, alignment: 8) { control in
            withUnsafeMutablePointer(to: &part) { part in
                var message = msghdr()
                message.msg_iov = part
                message.msg_iovlen = 1
                message.msg_control = control.baseAddress
                message.msg_controllen = room
                let got = recvmsg(descriptor, &message, FrameSocket.closeOnExec)
                if got >= 0 { descriptors += FrameSocket.descriptors(in: control, size: message.msg_controllen) }
                return got
            }
        }
    }

    /// The descriptors of the one control message that there can be. Where this process could take fewer than were
    /// sent, fewer are there.
    private static func descriptors(in control: UnsafeMutableRawBufferPointer, size: Int) -> [Int32] {
        guard size >= headerSize else { return [] }
        let length = control.load(fromByteOffset: 0, as: Int.self)
        let (level, type) = (
            control.load(fromByteOffset: 8, as: Int32.self), control.load(fromByteOffset: 12, as: Int32.self)
        )
        guard level == SOL_SOCKET, type == rights, length <= size, length >= headerSize else { return [] }
        return stride(from: headerSize, to: length, by: 4).map { control.load(fromByteOffset: $0, as: Int32.self) }
    }

    // MARK: Sending

    /// How a write went.
    enum Sent { case bytes(Int), full, failed }

    /// Sends the beginning of `bytes`, with the descriptors beside the first of them, as far as there is room.
    func send(_ bytes: ArraySlice<UInt8>, _ descriptors: [Int32]) -> Sent {
        let count = bytes.withUnsafeBytes { buffer in
            var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: buffer.baseAddress), iov_len: buffer.count)
            return withUnsafeMutablePointer(to: &part) { part in
                var message = msghdr()
                message.msg_iov = part
                message.msg_iovlen = 1
                return send(&message, descriptors)
            }
        }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .full : .failed
    }

    private func send(_ message: inout msghdr, _ descriptors: [Int32]) -> Int {
        let flags = FrameSocket.dontWait | FrameSocket.noSignal
        let room = descriptors.isEmpty ? 0 : FrameSocket.controlSize(descriptors.count)
        return withUnsafeTemporaryAllocation(byteCount: max(room, 8), alignment: 8) { control in
            if room > 0 {
                let length = FrameSocket.headerSize + 4 * descriptors.count
                control.initializeMemory(as: UInt8.self, repeating: 0)
                control.storeBytes(of: length, as: Int.self)
                control.storeBytes(of: Int32(SOL_SOCKET), toByteOffset: 8, as: Int32.self)
                control.storeBytes(of: FrameSocket.rights, toByteOffset: 12, as: Int32.self)
                for (index, descriptor) in descriptors.enumerated() {
                    control.storeBytes(of: descriptor, toByteOffset: FrameSocket.headerSize + 4 * index, as: Int32.self)
                }
                message.msg_control = control.baseAddress
                message.msg_controllen = room
            }
            var sent: Int
            repeat { sent = sendmsg(descriptor, &message, flags) } while sent < 0 && errno == EINTR
            return sent
        }
    }

    /// Waits until there is room to send, or the other end has gone.
    func waitForRoom() {
        var query = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&query, 1, -1)
    }

    /// struct cmsghdr is a length of eight bytes, a level and a type.
    private static let headerSize = 16

    private static func controlSize(_ descriptors: Int) -> Int {
        headerSize + (4 * descriptors + 7) / 8 * 8
    }
}
