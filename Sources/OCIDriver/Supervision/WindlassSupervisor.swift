import CLinuxContainers
import CSupervisor
import ContainerDriver
import ContainerModel
import Dispatch
import Glibc
import Synchronization

/// `windlass-supervisor`, over its socket. Its frames are those of `CSupervisor.h`.
final class WindlassSupervisor: Supervisor {
    private typealias Answer = @Sendable (supervisor_reply?) -> Void

    private struct State {
        var registration: UInt64?
        var nextTag: UInt32 = 1
        var answers: [UInt32: Answer] = [:]
        var greeting: (@Sendable (supervisor_hello_reply?) -> Void)?
        var identity = ProcessIdentity(pid: 0, startTicks: 0)
        var watcher: (any SupervisorWatcher)?
        /// Reads that the socket had no room for.
        var owed: [UInt32: UInt64] = [:]
    }

    private let state = Mutex(State())
    private let descriptor: Int32
    private let reactor: Reactor
    private let patience: DispatchTimeInterval

    /// Where its socket is in the bundle.
    private static let socketName = "supervisor.sock"

    /// Connects to the supervisor of a bundle.
    /// - Parameter patience: how long it may take to answer.
    /// - Returns: nil where none answers there.
    init?(bundle: String, reactor: Reactor, patience: DispatchTimeInterval) {
        let descriptor = lc_connect(bundle, WindlassSupervisor.socketName)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        self.reactor = reactor
        self.patience = patience
        let registration = reactor.add(descriptor) { [weak self] packet in self?.received(packet) }
        guard let registration else { return nil }
        state.withLock { $0.registration = registration }
        guard greet() else {
            disconnect()
            return nil
        }
    }

    deinit { disconnect() }

    var identity: ProcessIdentity { state.withLock(\.identity) }
    var isConnected: Bool { state.withLock { $0.registration != nil } }

    private func greet() -> Bool {
        let answered = DispatchSemaphore(value: 0)
        let version = Mutex<UInt32>(0)
        state.withLock { state in
            state.greeting = { [weak self] reply in
                if let reply {
                    version.withLock { $0 = reply.version }
                    let identity = ProcessIdentity(pid: Int32(clamping: reply.pid), startTicks: reply.start_time)
                    self?.state.withLock { $0.identity = identity }
                }
                answered.signal()
            }
        }
        let hello = supervisor_hello(
            type: UInt32(SUPERVISOR_HELLO), tag: 0, magic: UInt32(SUPERVISOR_MAGIC),
            version: UInt32(SUPERVISOR_VERSION))
        guard send(hello), answered.wait(timeout: .now() + patience) == .success else { return false }
        return version.withLock { $0 } == UInt32(SUPERVISOR_VERSION)
    }

    // MARK: Requests

    func watch(_ watcher: any SupervisorWatcher) throws(DriverFailure) {
        state.withLock { $0.watcher = watcher }
        try require(ask { supervisor_request(type: UInt32(SUPERVISOR_WATCH), tag: $0) }, "watching")
        // What is known of the processes comes between the answer and that to any later question.
        try synchronize()
    }

    func synchronize() throws(DriverFailure) {
        // A question about a process that there is not.
        _ = try ask {
            supervisor_release(
                type: UInt32(SUPERVISOR_RELEASE), tag: $0, process: .max, reserved: 0, offset: 0)
        }
    }

    func start() throws(DriverFailure) {
        let reply = try ask { supervisor_request(type: UInt32(SUPERVISOR_START), tag: $0) }
        try require(reply, "starting")
    }

    func exec(_ name: ProcessName, hasTerminal: Bool, hasInput: Bool) throws(ExecRefusal) -> UInt32 {
        let reply: supervisor_reply
        do throws(DriverFailure) {
            reply = try ask { tag in
                var frame = supervisor_exec()
                frame.type = UInt32(SUPERVISOR_EXEC)
                frame.tag = tag
                frame.flags =
                    (hasTerminal ? UInt32(SUPERVISOR_TERMINAL) : 0)
                    | (hasInput ? UInt32(SUPERVISOR_STDIN) : 0)
                withUnsafeMutableBytes(of: &frame.name) { $0.copyBytes(from: name.rawValue.utf8.prefix($0.count - 1)) }
                return frame
            }
        } catch {
            throw .failed(error)
        }
        switch Int32(truncatingIfNeeded: reply.error) {
        case 0: return UInt32(truncatingIfNeeded: reply.value)
        case EEXIST: throw .nameTaken
        case ENOENT: throw .specificationGone
        case ESRCH: throw .notRunning
        case EIO: throw .refused
        case EAGAIN:
            throw .failed(
                DriverFailure(
                    .resourceExhausted,
                    "the container has \(SUPERVISOR_PROCESSES) processes besides its first one, and no more are kept; wait for "
                        + "some to end", retryable: true))
        default:
            throw .failed(
                DriverFailure(.internal, "the supervisor refused the exec: \(WindlassSupervisor.text(reply))"))
        }
    }

    func resize(_ number: UInt32, _ size: ConsoleSize) throws(DriverFailure) {
        let reply = try ask {
            supervisor_resize(
                type: UInt32(SUPERVISOR_RESIZE), tag: $0, process: number, rows: size.height, columns: size.width)
        }
        if reply.error == UInt32(ENOTTY) {
            throw DriverFailure(.failedPrecondition, "the process has no terminal; create it with terminal: true")
        }
        // One that has ended needs no size.
        if reply.error != UInt32(ESRCH) { try require(reply, "resizing the terminal") }
    }

    func read(_ number: UInt32, from offset: UInt64) {
        var frame = supervisor_read()
        frame.type = UInt32(SUPERVISOR_READ)
        frame.process = number
        frame.limit = UInt32(SUPERVISOR_DATA_SIZE)
        frame.offset = offset
        frame.wait = 1
        frame.release = 1
        if !send(frame) { state.withLock { $0.owed[number] = offset } }
    }

    func write(
        _ number: UInt32, _ bytes: ArraySlice<UInt8>, at offset: UInt64, end: Bool,
        done: @escaping @Sendable (Int32, UInt64) -> Void
    ) -> Bool {
        let tag = expect { reply in
            done(reply.map { Int32(truncatingIfNeeded: $0.error) } ?? EPIPE, reply?.value ?? offset)
        }
        var frame = supervisor_input()
        frame.type = UInt32(SUPERVISOR_INPUT)
        frame.tag = tag
        frame.process = number
        frame.end = end ? 1 : 0
        frame.offset = offset
        frame.count = UInt32(bytes.count)
        let head = withUnsafeBytes(of: &frame) { Array($0) }
        if send(head + bytes) { return true }
        return state.withLock { $0.answers.removeValue(forKey: tag) } == nil
    }

    func keep(_ number: UInt32, _ keeps: Bool) {
        let tag = expect { _ in }
        let frame = supervisor_lossless(
            type: UInt32(SUPERVISOR_LOSSLESS), tag: tag, process: number, keep: keeps ? 1 : 0)
        if !send(frame) { state.withLock { $0.answers[tag] = nil } }
    }

    func forget(_ number: UInt32) {
        let tag = expect { _ in }
        let frame = supervisor_request_process(type: UInt32(SUPERVISOR_FORGET), tag: tag, process: number)
        if !send(frame) { state.withLock { $0.answers[tag] = nil } }
    }

    func forgetNow(_ number: UInt32) throws(DriverFailure) {
        // What it does not know, or cannot forget, shows when the name is asked for.
        _ = try ask {
            supervisor_request_process(type: UInt32(SUPERVISOR_FORGET), tag: $0, process: number)
        }
    }

    func end() throws(DriverFailure) {
        try require(ask { supervisor_request(type: UInt32(SUPERVISOR_CLOSE), tag: $0) }, "ending the supervisor")
    }

    func disconnect() {
        let registration = state.withLock { state in
            defer { state.registration = nil }
            return state.registration
        }
        if let registration { reactor.remove(registration) }
        vanished(notifies: false)
    }

    // MARK: Answers

    /// Remembers who waits for the answer to a request.
    private func expect(_ answer: @escaping Answer) -> UInt32 {
        state.withLock { state in
            let tag = state.nextTag
            state.nextTag = state.nextTag == .max ? 1 : state.nextTag + 1
            state.answers[tag] = answer
            return tag
        }
    }

    /// Sends a request and waits for its answer.
    private func ask<Frame>(_ frame: (UInt32) -> Frame) throws(DriverFailure) -> supervisor_reply {
        let answered = DispatchSemaphore(value: 0)
        let answer = Mutex<supervisor_reply?>(nil)
        let tag = expect { reply in
            answer.withLock { $0 = reply }
            answered.signal()
        }
        guard send(frame(tag)) else {
            state.withLock { $0.answers[tag] = nil }
            throw WindlassSupervisor.gone
        }
        guard answered.wait(timeout: .now() + patience) == .success else {
            state.withLock { $0.answers[tag] = nil }
            throw DriverFailure(
                .deadlineExceeded,
                "the container's supervisor, process \(identity.pid), did not answer in time; look at what "
                    + "its runtime does, or delete the container by force", retryable: false)
        }
        guard let reply = answer.withLock({ $0 }) else { throw WindlassSupervisor.gone }
        return reply
    }

    private func require(_ reply: supervisor_reply, _ action: String) throws(DriverFailure) {
        guard reply.error != 0 else { return }
        if reply.error == UInt32(ESRCH) {
            throw DriverFailure(.failedPrecondition, "\(action): the process has ended")
        }
        throw DriverFailure(.internal, "\(action): \(WindlassSupervisor.text(reply))")
    }

    private static let gone = DriverFailure(
        .unavailable, "the container's supervisor has gone; what became of the container is looked up again",
        retryable: true)

    private static func text(_ reply: supervisor_reply) -> String {
        String(cString: strerror(Int32(truncatingIfNeeded: reply.error)))
    }

    private func send<Frame>(_ frame: Frame) -> Bool { withUnsafeBytes(of: frame) { send($0) } }

    private func send(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { send($0) } }

    /// Under the lock, since the descriptor is closed when the registration goes.
    private func send(_ packet: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            state.registration != nil && lc_send(descriptor, packet.baseAddress, packet.count) == packet.count
        }
    }

    // MARK: Packets

    private func received(_ packet: UnsafeRawBufferPointer?) {
        guard let packet else {
            state.withLock { $0.registration = nil }
            return vanished(notifies: true)
        }
        guard packet.count >= 8 else { return }
        switch packet.loadUnaligned(as: UInt32.self) {
        case UInt32(SUPERVISOR_HELLO_REPLY):
            guard let reply = load(supervisor_hello_reply.self, packet) else { return }
            let greeting = state.withLock { state in
                defer { state.greeting = nil }
                return state.greeting
            }
            greeting?(reply)
        case UInt32(SUPERVISOR_REPLY):
            guard let reply = load(supervisor_reply.self, packet) else { return }
            state.withLock { $0.answers.removeValue(forKey: reply.tag) }?(reply)
        case UInt32(SUPERVISOR_PROCESS):
            guard let frame = load(supervisor_process_frame.self, packet), let process = SupervisedState(frame.process)
            else { return }
            state.withLock(\.watcher)?.processChanged(process)
        case UInt32(SUPERVISOR_OUTPUT):
            guard let output = load(supervisor_output.self, packet) else { return }
            let chunks = UnsafeRawBufferPointer(rebasing: packet[MemoryLayout<supervisor_output>.size...])
            state.withLock(\.watcher)?.outputArrived(output.process, OutputPiece(output, chunks))
        default: break
        }
        let owed = state.withLock { state in
            defer { state.owed = [:] }
            return state.owed
        }
        for (number, offset) in owed { read(number, from: offset) }
    }

    private func load<Frame>(_ type: Frame.Type, _ packet: UnsafeRawBufferPointer) -> Frame? {
        packet.count >= MemoryLayout<Frame>.size ? packet.loadUnaligned(as: type) : nil
    }

    private func vanished(notifies: Bool) {
        let (answers, greeting, watcher) = state.withLock { state in
            defer {
                state.answers = [:]
                state.greeting = nil
                state.watcher = nil
            }
            return (Array(state.answers.values), state.greeting, state.watcher)
        }
        for answer in answers { answer(nil) }
        greeting?(nil)
        if notifies { watcher?.supervisorVanished() }
    }
}
