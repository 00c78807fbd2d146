import CLinuxContainers
import Glibc
import Synchronization
import Threads

/// One thread that waits for the packets of all supervisors, and for what is due later.
final class Reactor: Sendable {
    /// Handles a packet; nil stands for the end of the connection.
    typealias Handler = @Sendable (UnsafeRawBufferPointer?) -> Void

    private struct Timer {
        var due: Int64
        var body: @Sendable () -> Void
    }

    private enum Entry: Sendable {
        case packets(Int32, Handler)
        case once(Int32, @Sendable (Int32) -> Void)

        var descriptor: Int32 {
            switch self {
            case .packets(let descriptor, _), .once(let descriptor, _): descriptor
            }
        }
    }

    private struct State {
        var next: UInt64 = 1
        var entries: [UInt64: Entry] = [:]
        var timers: [Timer] = []
    }

    private let state = Mutex(State())
    private let poller: Int32
    private let waker: Int32

    /// The most bytes of a packet.
    private static let packetSize = 64 << 10
    private static let wakeup: UInt64 = 0
    /// Packets of one connection before the others have their turn.
    private static let fairness = 16

    /// - Returns: nil where the system has no thread or no descriptor to give.
    init?() {
        poller = epoll_create1(Int32(EPOLL_CLOEXEC))
        waker = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard poller >= 0, waker >= 0 else { return nil }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Reactor.wakeup))
        guard epoll_ctl(poller, EPOLL_CTL_ADD, waker, &event) == 0 else { return nil }
        guard SystemThread.start("oci-reactor", { [self] in serve() }) else { return nil }
    }

    /// Waits for packets of `descriptor`, which it closes in the end.
    /// - Returns: a number to ``remove(_:)`` it by; nil where the system cannot do it, and the descriptor is closed.
    func add(_ descriptor: Int32, _ handler: @escaping Handler) -> UInt64? { add(.packets(descriptor, handler)) }

    /// Calls `body` once when `descriptor` can be read, and closes it then.
    /// - Returns: false where the system cannot do it, and the descriptor is closed.
    func whenReadable(_ descriptor: Int32, _ body: @escaping @Sendable (Int32) -> Void) -> Bool {
        add(.once(descriptor, body)) != nil
    }

    private func add(_ entry: Entry) -> UInt64? {
        let descriptor = entry.descriptor
        let number = state.withLock { state in
            let number = state.next
            state.next += 1
            state.entries[number] = entry
            return number
        }
        var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: number))
        guard epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            remove(number)
            return nil
        }
        return number
    }

    /// Closes a connection. Its handler is not called any more, but for a call that is under way.
    func remove(_ number: UInt64) {
        guard let removed = state.withLock({ $0.entries.removeValue(forKey: number) }) else { return }
        _ = epoll_ctl(poller, EPOLL_CTL_DEL, removed.descriptor, nil)
        close(removed.descriptor)
    }

    /// Runs `body` on the reactor's thread after so many milliseconds.
    func schedule(after milliseconds: Int64, _ body: @escaping @Sendable () -> Void) {
        let due = Reactor.now + milliseconds
        state.withLock { $0.timers.append(Timer(due: due, body: body)) }
        var one: UInt64 = 1
        _ = write(waker, &one, MemoryLayout.size(ofValue: one))
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    // MARK: The thread

    private func serve() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        let packet = UnsafeMutableRawBufferPointer.allocate(byteCount: Reactor.packetSize, alignment: 16)
        while true {
            let count = epoll_wait(poller, &events, Int32(events.count), timeout)
            for event in events.prefix(max(0, Int(count))) {
                let number = event.data.u64
                if number == Reactor.wakeup {
                    var value: UInt64 = 0
                    _ = read(waker, &value, MemoryLayout.size(ofValue: value))
                } else {
                    receive(number, packet)
                }
            }
            runTimers()
        }
    }

    private var timeout: Int32 {
        guard let due = state.withLock({ $0.timers.map(\.due).min() }) else { return -1 }
        return Int32(clamping: max(0, due - Reactor.now))
    }

    private func runTimers() {
        let now = Reactor.now
        let due = state.withLock { state in
            guard !state.timers.isEmpty else { return [Timer]() }
            let due = state.timers.filter { $0.due <= now }
            state.timers.removeAll { $0.due <= now }
            return due
        }
        for timer in due { timer.body() }
    }

    private func receive(_ number: UInt64, _ packet: UnsafeMutableRawBufferPointer) {
        for _ in 0..<Reactor.fairness {
            guard let entry = state.withLock({ $0.entries[number] }) else { return }
            guard case .packets(let descriptor, let handle) = entry else {
                if case .once(let descriptor, let body) = entry { body(descriptor) }
                return remove(number)
            }
            let count = recv(descriptor, packet.baseAddress, packet.count, 0)
            if count > 0 {
                handle(UnsafeRawBufferPointer(rebasing: packet[..<count]))
            } else if count < 0, errno == EAGAIN || errno == EINTR {
                return
            } else {
                remove(number)
                return handle(nil)
            }
        }
    }
}
