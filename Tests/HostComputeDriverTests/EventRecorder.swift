import ContainerDriver
import ContainerModel
import Dispatch
import Synchronization

/// Remembers what a driver tells, and lets a test wait for it.
final class EventRecorder: DriverEvents {
    struct Told: Equatable {
        var id: ContainerID
        var process: ProcessName
        var exit: Exit
    }
    private struct State {
        var exits: [Told] = []
        var disconnects = 0
        var waiters: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())

    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit) {
        wake { $0.exits.append(Told(id: id, process: process, exit: exit)) }
    }

    func serviceDisconnected(_ failure: DriverFailure) {
        wake { $0.disconnects += 1 }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.signal() }
    }

    var exits: [Told] { state.withLock { $0.exits } }
    var disconnects: Int { state.withLock { $0.disconnects } }

    /// The exit of a process; nil where it does not come in time.
    func exit(_ id: ContainerID, _ process: ProcessName = .initial) -> Exit? {
        wait { state in state.exits.first { $0.id == id && $0.process == process }?.exit }
    }

    func waitForDisconnect() -> Bool { wait { $0.disconnects > 0 ? true : nil } ?? false }

    private func wait<Found: Sendable>(_ look: (State) -> Found?) -> Found? {
        let deadline = DispatchTime.now() + .seconds(20)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let found = state.withLock { state in
                let found = look(state)
                if found == nil { state.waiters.append(semaphore) }
                return found
            }
            if let found { return found }
            guard semaphore.wait(timeout: deadline) == .success else { return nil }
        }
    }
}

/// Collects what a process writes.
final class OutputRecorder: ProcessOutput {
    private struct State {
        var bytes: [OutputStream: [UInt8]] = [:]
        var ended: Set<OutputStream> = []
        var lost: Set<OutputStream> = []
        var ends = 0
        var stopped: [@Sendable () -> Void] = []
        var waiters: [DispatchSemaphore] = []
    }
    private let state = Mutex(State())
    /// A stream is stopped from this many bytes on; nil for never.
    private let limit: Int?

    init(limit: Int? = nil) { self.limit = limit }

    func write(
        _ stream: OutputStream, _ bytes: UnsafeRawBufferPointer, resume: @escaping @Sendable () -> Void
    ) -> Bool {
        wake { $0.bytes[stream, default: []].append(contentsOf: bytes) }
        guard let limit, count(stream) >= limit else { return true }
        wake { $0.stopped.append(resume) }
        return false
    }

    /// Waits until a stream is stopped.
    func waitUntilStopped() -> Bool { wait { !$0.stopped.isEmpty } }

    /// Has the driver read on.
    func readOn() {
        let stopped = state.withLock { state in
            defer { state.stopped = [] }
            return state.stopped
        }
        for resume in stopped { resume() }
    }

    func lose(_ stream: OutputStream) { wake { $0.lost.insert(stream) } }

    /// The streams of which an unknown amount is missing.
    var lost: Set<OutputStream> { state.withLock { $0.lost } }

    func end(_ stream: OutputStream) {
        wake {
            $0.ended.insert(stream)
            $0.ends += 1
        }
    }

    private func wake(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.signal() }
    }

    func text(_ stream: OutputStream = .stdout) -> String {
        String(decoding: state.withLock { $0.bytes[stream] ?? [] }, as: UTF8.self)
    }

    func count(_ stream: OutputStream = .stdout) -> Int { state.withLock { $0.bytes[stream]?.count ?? 0 } }

    var ended: Set<OutputStream> { state.withLock { $0.ended } }
    /// How often an end was told.
    var ends: Int { state.withLock { $0.ends } }

    /// Waits until `stream` holds `text`.
    func wait(for text: String, in stream: OutputStream = .stdout) -> Bool {
        wait { String(decoding: $0.bytes[stream] ?? [], as: UTF8.self).contains(text) }
    }

    private func wait(_ look: (State) -> Bool) -> Bool {
        let deadline = DispatchTime.now() + .seconds(20)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let found = state.withLock { state in
                let found = look(state)
                if !found { state.waiters.append(semaphore) }
                return found
            }
            if found { return true }
            guard semaphore.wait(timeout: deadline) == .success else { return false }
        }
    }
}
