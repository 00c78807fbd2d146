import CHostCompute
import ContainerModel
import Dispatch
import Glibc
import Synchronization

/// A process of a compute system: the leader of a session of its own.
///
/// It lives until it has exited and its last handle is closed.
final class EmulatedProcess: Sendable {
    let pid: pid_t
    let system: EmulatedSystem
    let hasConsole: Bool
    /// When it was created, by the clock at that time; later changes of the clock do not move it.
    let createdAt: Timestamp
    private let keepsExited: Bool

    fileprivate struct State {
        var exit: ProcessExit?
        /// True once the exit has been posted to the registrations that were there.
        var announced = false
        var terminated = false
        var handles = 1
        var registrations: [Registration] = []
        var streams: ProcessStreams
        var exitWaiters: [DispatchSemaphore] = []
    }

    private let state: Mutex<State>

    init(pid: pid_t, createdAt: Timestamp, system: EmulatedSystem, streams: ProcessStreams) {
        self.pid = pid
        self.createdAt = createdAt
        self.system = system
        hasConsole = streams.terminal >= 0
        keepsExited = system.settings.keepsExited
        state = Mutex(State(streams: streams))
    }

    // MARK: Life

    /// Reaps the exited process. The properties show the exit before any callback is notified.
    func collect() {
        // Under the lock, so that no signal can reach another process that gets the id next.
        let waiters = state.withLock { state in
            let code = state.terminated ? system.settings.terminatedExitCode : nil
            state.exit = ProcessExit.collect(pid, terminatedExitCode: code)
            state.streams.close(0)
            defer { state.exitWaiters = [] }
            return state.exitWaiters
        }
        for waiter in waiters { waiter.signal() }
        system.service.pool.submit { [self] in system.processExited(self) }
    }

    /// The exit; nil while the process runs.
    var exit: ProcessExit? { state.withLock { $0.exit } }

    func waitForExit() {
        let waiter = DispatchSemaphore(value: 0)
        let waits = state.withLock { state in
            if state.exit == nil { state.exitWaiters.append(waiter) }
            return state.exit == nil
        }
        if waits { waiter.wait() }
    }

    /// Signals its process group; false when it has exited.
    @discardableResult
    func signal(_ number: Int32) -> Bool {
        state.withLock { state in
            guard state.exit == nil else { return false }
            if number == SIGKILL { state.terminated = true }
            // A process that has just exited and is not collected yet still has its id: that is no failure.
            _ = kill(-pid, number)
            return true
        }
    }

    // MARK: Handles and registrations

    /// One more handle; false when the process has exited and is not kept.
    func open() -> Bool {
        state.withLock { state in
            guard state.exit == nil || keepsExited else { return false }
            state.handles += 1
            return true
        }
    }

    /// True when that was the last handle of an exited process.
    func close(_ handle: UInt) -> Bool {
        let (silenced, last) = state.withLock { state in
            let silenced = state.registrations.filter { $0.handle == handle }
            state.registrations.removeAll { $0.handle == handle }
            state.handles -= 1
            return (silenced, state.releaseIfDone(keepsExited))
        }
        for registration in silenced { registration.silence() }
        return last
    }

    /// True if the process has exited and no handle is open. Closes the streams; those of a kept process stay open
    /// while they hold unread output.
    func releaseIfDone() -> Bool {
        state.withLock { $0.releaseIfDone(keepsExited) }
    }

    /// Closes the streams of a process that can no longer be opened.
    func release() {
        state.withLock { $0.streams.closeKept() }
    }

    func register(_ registration: Registration) {
        let exited = state.withLock { state in
            state.registrations.append(registration)
            return state.announced ? state.exit : nil
        }
        if let exited { system.post([(registration, notification(exited))]) }
    }

    func unregister(_ registration: Registration) {
        state.withLock { state in state.registrations.removeAll { $0 === registration } }
    }

    var registrations: [Registration] { state.withLock { $0.registrations } }

    /// The exit notification for every registration. Registrations that come later are notified on arrival.
    func exitDeliveries() -> [EmulatedSystem.Delivery] {
        let (exit, registrations) = state.withLock { state in
            state.announced = true
            return (state.exit, state.registrations)
        }
        guard let exit else { return [] }
        return registrations.map { ($0, notification(exit)) }
    }

    private func notification(_ exit: ProcessExit) -> EmulatedNotification {
        EmulatedNotification(type: NotificationType.processExited, data: properties(exit))
    }

    // MARK: Documents

    func properties() -> String {
        let results = system.service.faults.strike(.getProcessProperties, system.id) { (effect) -> Int32? in
            if case .lastWaitResult(let result) = effect { result } else { nil }
        }
        return properties(exit, lastWaitResult: results.first)
    }

    private func properties(_ exit: ProcessExit?, lastWaitResult: Int32? = nil) -> String {
        var document = JSONObject()
        document.add("ProcessId", pid)
        document.add("Exited", exit != nil)
        document.add("ExitCode", exit?.code ?? 0)
        document.add("LastWaitResult", lastWaitResult ?? exit?.lastWaitResult ?? 0)
        return document.finish()
    }

    /// Duplicates of its streams.
    func streams() throws(HostFailure) -> [Int32] {
        let areUnusable = system.service.faults.spoilsStreams(system.id)
        return try state.withLock { (state) throws(HostFailure) in
            areUnusable ? try state.streams.unusableDuplicates() : try state.streams.duplicates()
        }
    }

    func resize(_ size: ConsoleSize) throws(HostFailure) {
        try state.withLock { (state) throws(HostFailure) in
            guard state.exit == nil else { throw EmulatedProcess.hasExited }
            guard hasConsole else {
                throw HostFailure(code: ResultCode.notSupported, message: "The process has no console.")
            }
            _ = PseudoTerminal.resize(state.streams.terminal, size)
        }
    }

    func closeStream(_ name: String) throws(HostFailure) {
        try state.withLock { (state) throws(HostFailure) in
            guard state.exit == nil else { throw EmulatedProcess.hasExited }
            let everything = name == "All"
            guard everything || ["StdIn", "StdOut", "StdErr"].contains(name) else {
                throw .invalidArgument("CloseHandle: '\(name)' is none of StdIn, StdOut, StdErr, All.")
            }
            if everything || name == "StdIn" {
                if hasConsole, !PseudoTerminal.typeEndOfFile(state.streams.terminal) {
                    throw HostFailure(code: ResultCode.writeFault, message: "The console's input is full.")
                }
                state.streams.close(0)
            }
            if everything || name == "StdOut" { state.streams.close(1) }
            if everything || name == "StdErr" { state.streams.close(2) }
        }
    }

    static let hasExited = HostFailure(code: ResultCode.elementNotFound, message: "The process has exited.")
}

extension EmulatedProcess.State {
    fileprivate mutating func releaseIfDone(_ keepsExited: Bool) -> Bool {
        guard exit != nil, handles <= 0 else { return false }
        if keepsExited { streams.closeDrained() } else { streams.closeKept() }
        return true
    }
}
