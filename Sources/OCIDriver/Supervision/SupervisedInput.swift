import ContainerDriver
import Glibc
import Synchronization

/// The standard input of a process behind a supervisor: a buffer of 256 KiB, of which one piece at a time is on its way.
///
/// What the supervisor has taken reaches the process also if this worker dies. What is only in the buffer is lost then;
/// ``position`` of the next worker's input is where to go on.
final class SupervisedInput: ProcessInput {
    private struct State {
        var buffer: [UInt8] = []
        /// Bytes of `buffer` that are on their way.
        var sent = 0
        /// How many bytes the supervisor has taken in all.
        var taken: UInt64
        var endsAfterBuffer = false
        var isEnded = false
        var isBroken = false
        var isUnderWay = false
    }

    private static let capacity = 256 << 10
    /// The most of one frame.
    private static let piece = 32 << 10
    /// Until a supervisor is asked again that still holds what the worker before this one gave it.
    private static let retryMilliseconds: Int64 = 20

    private let state: Mutex<State>
    private let supervisor: any Supervisor
    private let number: UInt32
    private let subject: String
    private let reactor: Reactor

    /// - Parameters:
    ///   - taken: how many bytes the process has been given.
    ///   - subject: whose it is, in messages.
    init(_ supervisor: any Supervisor, _ number: UInt32, taken: UInt64, of subject: String, reactor: Reactor) {
        self.supervisor = supervisor
        self.number = number
        self.subject = subject
        self.reactor = reactor
        state = Mutex(State(taken: taken))
    }

    /// Where the next byte goes, counted from the process's start.
    var position: UInt64? { state.withLock { $0.taken + UInt64($0.buffer.count) } }

    func write(_ bytes: [UInt8], end: Bool) throws(DriverFailure) -> Int {
        let (isEnded, isBroken) = state.withLock { ($0.isEnded, $0.isBroken) }
        guard !isEnded else {
            throw DriverFailure(.failedPrecondition, "the standard input of \(subject) has been ended already")
        }
        guard !isBroken else {
            throw DriverFailure(.failedPrecondition, "\(subject) no longer reads its standard input")
        }
        let count = state.withLock { state in
            let count = min(bytes.count, SupervisedInput.capacity - state.buffer.count)
            state.buffer += bytes.prefix(count)
            if end, count == bytes.count {
                state.endsAfterBuffer = true
                state.isEnded = true
            }
            return count
        }
        sendNext()
        return count
    }

    /// The process has ended, or its supervisor has.
    func close() {
        state.withLock { state in
            state.isBroken = true
            state.buffer = []
        }
    }

    private func sendNext() {
        let next = state.withLock { state -> (bytes: ArraySlice<UInt8>, offset: UInt64, end: Bool)? in
            guard !state.isUnderWay, !state.isBroken, !state.buffer.isEmpty || state.endsAfterBuffer else { return nil }
            let bytes = state.buffer.prefix(SupervisedInput.piece)
            state.isUnderWay = true
            state.sent = bytes.count
            return (bytes, state.taken, state.endsAfterBuffer && bytes.count == state.buffer.count)
        }
        guard let next else { return }
        let isSent = supervisor.write(number, next.bytes, at: next.offset, end: next.end) { [weak self] error, taken in
            self?.answered(error, taken, wasEnd: next.end)
        }
        if !isSent { answered(supervisor.isConnected ? EAGAIN : EPIPE, next.offset, wasEnd: next.end) }
    }

    private func answered(_ error: Int32, _ taken: UInt64, wasEnd: Bool) {
        let mustWait = state.withLock { state -> Bool in
            state.isUnderWay = false
            switch error {
            case 0:
                state.buffer.removeFirst(min(state.sent, state.buffer.count))
                if state.buffer.isEmpty { state.buffer = [] }
                state.taken = taken
                if wasEnd { state.endsAfterBuffer = false }
                return false
            case EBUSY, EAGAIN: return true
            default:
                state.isBroken = true
                state.buffer = []
                return false
            }
        }
        if mustWait {
            reactor.schedule(after: SupervisedInput.retryMilliseconds) { [weak self] in self?.sendNext() }
        } else {
            sendNext()
        }
    }
}
