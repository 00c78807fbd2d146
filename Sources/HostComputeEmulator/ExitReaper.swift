import Glibc
import Synchronization

/// One thread that learns of every exit, through a descriptor per process.
///
/// It waits for the emulator's own children by id only: other children of the worker are left alone.
final class ExitReaper: Sendable {
    private static let stackSize = 256 * 1024
    private static let batch = 64
    // struct epoll_event is packed on x86-64 only.
    #if arch(x86_64)
        private static let dataOffset = 4
        private static let eventSize = 12
    #else
        private static let dataOffset = 8
        private static let eventSize = 16
    #endif

    private struct Watched {
        let process: EmulatedProcess
        let descriptor: Int32
    }

    private struct State {
        var epoll: Int32?
        var watched: [UInt64: Watched] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Calls `collect` of the process, on a thread of the reaper's, when it has exited.
    func watch(_ process: EmulatedProcess) {
        guard let calls = LinuxCalls.shared, let open = calls.pidfdOpen, let epoll = start(calls) else {
            return watchWithThread(process)
        }
        let descriptor = open(process.pid, 0)
        guard descriptor >= 0 else { return watchWithThread(process) }
        // Not known by its descriptor: a stale event must never stand for the next owner of that number.
        let number = state.withLock { state in
            state.last += 1
            state.watched[state.last] = Watched(process: process, descriptor: descriptor)
            return state.last
        }
        let event = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
        defer { event.deallocate() }
        event.storeBytes(of: 0x1, as: UInt32.self)  // EPOLLIN: the process has exited
        event.storeBytes(of: number, toByteOffset: ExitReaper.dataOffset, as: UInt64.self)
        let add: Int32 = 1  // EPOLL_CTL_ADD
        if calls.epollControl(epoll, add, descriptor, event) != 0 {
            _ = state.withLock { $0.watched.removeValue(forKey: number) }
            close(descriptor)
            watchWithThread(process)
        }
    }

    /// The epoll descriptor; its thread is started with the first process.
    private func start(_ calls: LinuxCalls) -> Int32? {
        state.withLock { state in
            if let epoll = state.epoll { return epoll }
            let epoll = calls.epollCreate(O_CLOEXEC)
            guard epoll >= 0 else { return nil }
            let started = PosixThread.start(stackSize: ExitReaper.stackSize) { [self] in run(calls, epoll) }
            guard started else {
                close(epoll)
                return nil
            }
            state.epoll = epoll
            return epoll
        }
    }

    private func run(_ calls: LinuxCalls, _ epoll: Int32) {
        let events = UnsafeMutableRawPointer.allocate(
            byteCount: ExitReaper.batch * ExitReaper.eventSize, alignment: 8)
        while true {
            let count = calls.epollWait(epoll, events, Int32(ExitReaper.batch), -1)
            for index in 0..<max(0, Int(count)) {
                let number = events.loadUnaligned(
                    fromByteOffset: index * ExitReaper.eventSize + ExitReaper.dataOffset, as: UInt64.self)
                guard let watched = state.withLock({ $0.watched.removeValue(forKey: number) }) else { continue }
                // Taken out by name: closing alone does not, while a child that is just being spawned has a copy.
                let remove: Int32 = 2  // EPOLL_CTL_DEL
                _ = calls.epollControl(epoll, remove, watched.descriptor, nil)
                close(watched.descriptor)
                watched.process.collect()
            }
        }
    }

    /// Older systems, and systems out of descriptors.
    private func watchWithThread(_ process: EmulatedProcess) {
        let started = PosixThread.start(stackSize: ExitReaper.stackSize) {
            var information = siginfo_t()
            while waitid(P_PID, id_t(process.pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            process.collect()
        }
        // Without a thread the exit would go unnoticed: end the process now and wait for it here.
        if !started {
            process.signal(SIGKILL)
            process.collect()
        }
    }
}
