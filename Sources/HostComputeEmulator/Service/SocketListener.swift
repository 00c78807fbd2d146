import Glibc
import Synchronization

/// A Unix socket that takes clients, which only its owner can reach, and the one other user who may. Where its file is
/// removed it is made again.
final class SocketListener: Sendable {
    private struct State {
        var descriptor: Int32
        /// Held while the socket is served: only its holder may remove a stale socket.
        var lock: Int32
        var isClosed = false
    }

    /// Between looks whether the socket's file is there.
    private static let pauseMilliseconds: Int32 = 1000

    private let path: String
    private let state: Mutex<State>
    private let worker: UInt32?

    /// - Parameter worker: another user who may connect; the socket's group must let it come to the socket.
    init(_ path: String, worker: UInt32? = nil) throws(ConfigurationFailure) {
        self.worker = worker
        try SocketListener.makeFolder(of: path)
        guard let address = UnixAddress(path) else { throw UnixAddress.failure(path) }
        self.path = path
        let lock = try SocketListener.claim(path)
        do throws(ConfigurationFailure) {
            try SocketListener.removeStale(path, address)
            state = Mutex(
                State(descriptor: try SocketListener.listen(path, address, isShared: worker != nil), lock: lock))
        } catch {
            FileDescriptor.close(lock)
            throw error
        }
    }

    deinit {
        let state = state.withLock { $0 }
        FileDescriptor.close(state.descriptor)
        FileDescriptor.close(state.lock)
    }

    /// Waits for a client of the same user, root or the worker's user; nil when the listener has been closed. One thread
    /// calls it.
    func accept() -> FrameSocket? {
        while true {
            let (descriptor, isClosed) = state.withLock { ($0.descriptor, $0.isClosed) }
            if isClosed { return nil }
            var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&item, 1, SocketListener.pauseMilliseconds) != 0 else {
                putBack()
                continue
            }
            let client = Glibc.accept(descriptor, nil, nil)
            if client < 0 {
                // Out of descriptors, perhaps: that passes, and asking again at once would not help.
                if errno != EINTR, errno != ECONNABORTED { usleep(20_000) }
                continue
            }
            let socket = FrameSocket(client)
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            if let peer = socket.peer, [geteuid(), 0, worker].contains(peer.user) { return socket }
        }
    }

    /// Makes the socket's file again where it is gone, and with it the one of the lock: otherwise no client could reach
    /// what is kept here. Whatever else is at that path by now is left alone.
    private func putBack() {
        var status = stat()
        guard lstat(path, &status) != 0, errno == ENOENT, let address = UnixAddress(path) else { return }
        let hasLock = stat(path + ".lock", &status) == 0
        let newLock = hasLock ? nil : try? SocketListener.claim(path)
        // Another service has the lock by now, or there is no folder.
        guard hasLock || newLock != nil, let made = try? SocketListener.listen(path, address, isShared: worker != nil)
        else {
            if let newLock { FileDescriptor.close(newLock) }
            return
        }
        let former = state.withLock { state -> (descriptor: Int32, lock: Int32?)? in
            guard !state.isClosed else { return nil }
            defer {
                state.descriptor = made
                state.lock = newLock ?? state.lock
            }
            return (state.descriptor, newLock == nil ? nil : state.lock)
        }
        guard let former else {
            unlink(path)
            FileDescriptor.close(made)
            if let newLock { FileDescriptor.close(newLock) }
            return
        }
        FileDescriptor.close(former.descriptor)
        if let lock = former.lock { FileDescriptor.close(lock) }
    }

    func close() {
        let closing = state.withLock { state -> State? in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            return state
        }
        guard let closing else { return }
        unlink(path)
        shutdown(closing.descriptor, Int32(SHUT_RDWR))
        flock(closing.lock, LOCK_UN)
    }

    /// Makes the folder that the socket is in, for its owner only, where it is missing.
    private static func makeFolder(of path: String) throws(ConfigurationFailure) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        let folder = String(path[..<slash])
        if mkdir(folder, 0o700) == 0 || ScratchFolder.exists(folder) { return }
        throw ConfigurationFailure(description: "'\(folder)' is no folder and cannot be made: \(SocketListener.reason)")
    }

    private static func claim(_ path: String) throws(ConfigurationFailure) -> Int32 {
        let lock = FileDescriptor.raise(
            Glibc.open(path + ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600))
        guard lock >= 0 else {
            throw ConfigurationFailure(description: "'\(path).lock' cannot be made: \(reason)")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            FileDescriptor.close(lock)
            throw busy(path)
        }
        return lock
    }

    /// Removes the socket of a service that has gone; nothing else at that path.
    private static func removeStale(_ path: String, _ address: UnixAddress) throws(ConfigurationFailure) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            throw ConfigurationFailure(description: "'\(path)' is there and is no socket; choose another path")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { FileDescriptor.close(probe) }
        guard !address.connect(probe) else { throw busy(path) }
        unlink(path)
    }

    private static func listen(
        _ path: String, _ address: UnixAddress, isShared: Bool
    ) throws(ConfigurationFailure) -> Int32 {
        let descriptor = FileDescriptor.raise(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // Before the socket has a name, so that no other user can ever connect.
        fchmod(descriptor, isShared ? 0o660 : 0o600)
        guard descriptor >= 0, address.bind(descriptor), Glibc.listen(descriptor, 64) == 0 else {
            let failure = ConfigurationFailure(description: "'\(path)' cannot be served: \(reason)")
            FileDescriptor.close(descriptor)
            throw failure
        }
        return descriptor
    }

    private static func busy(_ path: String) -> ConfigurationFailure {
        ConfigurationFailure(description: "an emulator service serves at '\(path)' already")
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
