import CHostCompute
import ContainerDriver
import ContainerModel
import Synchronization

/// One process of a compute system, from its creation until its exit has been reported.
final class ComputeProcess: NotificationSink, Sendable {
    /// What the driver has done that may have ended the process.
    private struct Influence {
        var terminated = false
        var signalled = false
    }

    private struct State {
        var input: StandardInput?
        var stdout: hc_stream = 0
        var stderr: hc_stream = 0
        var output: OutputGate?
        var lostOutputs: [OutputStream] = []
        var hasLostInput = false
        var influence = Influence()
        /// When the exit was first seen, and the influence until then. A later kill does not change the reason.
        var seen: (influence: Influence, at: Timestamp)?
        /// True once the exit has been reported, or must never be reported.
        var concluded = false
    }

    let name: ProcessName
    let pid: UInt32
    let terminal: Bool
    let handle: ComputeHandle
    let system: ComputeSystem
    private let state = Mutex(State())

    init(_ name: ProcessName, pid: UInt32, terminal: Bool, handle: ComputeHandle, system: ComputeSystem) {
        self.name = name
        self.pid = pid
        self.terminal = terminal
        self.handle = handle
        self.system = system
    }

    /// The process in messages.
    var subject: String { "process '\(name)' of container '\(system.id)'" }

    // MARK: Streams

    /// Takes ownership of the standard handles. Each is closed exactly once, also when opening it fails.
    /// - Returns: the failure of the first stream that could not be opened; nil if all could.
    func attach(_ information: hc_process_information, output: OutputGate) -> HostComputeError? {
        state.withLock { $0.output = output }
        var failure: HostComputeError?
        func take(_ handle: hc_handle, _ open: (UInt) throws(HostComputeError) -> Void) -> Bool {
            guard handle != 0 else { return true }
            do throws(HostComputeError) {
                try open(UInt(handle))
                return true
            } catch {
                failure = failure ?? error
                return false
            }
        }
        let hasInput = take(information.standard_input) { (input) throws(HostComputeError) in
            let stream = try StreamReactor.shared.openWriter(input) { [weak self] drained in
                self?.inputEnded(drained)
            }
            state.withLock { $0.input = StandardInput(stream, of: subject) }
        }
        let hasOutput = take(information.standard_output) { (out) throws(HostComputeError) in
            let stream = try StreamReactor.shared.read(out, .stdout, into: output)
            state.withLock { $0.stdout = stream }
        }
        let hasError = take(information.standard_error) { (error) throws(HostComputeError) in
            let stream = try StreamReactor.shared.read(error, .stderr, into: output)
            state.withLock { $0.stderr = stream }
        }
        let lost: [OutputStream] = (hasOutput ? [] : [.stdout]) + (hasError ? [] : [.stderr])
        state.withLock { state in
            state.lostOutputs = lost
            state.hasLostInput = !hasInput
        }
        return failure
    }

    /// Records that none of the process's streams can be opened.
    func loseStreams(_ output: OutputGate) {
        state.withLock { state in
            state.output = output
            state.lostOutputs = terminal ? [.stdout] : [.stdout, .stderr]
            state.hasLostInput = true
        }
    }

    /// The outputs that cannot be read although the process may still write to them. They end with the process.
    var lostOutputs: [OutputStream] { state.withLock { $0.lostOutputs } }

    /// Where its output goes.
    var output: OutputGate? { state.withLock { $0.output } }

    /// The outputs for which HCS returned no handle.
    var missingOutputs: [OutputStream] {
        let (stdout, stderr, lost) = state.withLock { ($0.stdout, $0.stderr, $0.lostOutputs) }
        let missing: [OutputStream] = (stdout == 0 ? [.stdout] : []) + (stderr == 0 && !terminal ? [.stderr] : [])
        return missing.filter { !lost.contains($0) }
    }

    /// The standard input; nil if the process never had one. A lost input refuses every write.
    var input: (any ProcessInput)? {
        let (input, isLost) = state.withLock { ($0.input, $0.hasLostInput) }
        return input ?? (isLost ? LostInput(subject: subject) : nil)
    }

    /// What `start` returns to the worker.
    var started: StartedProcess { StartedProcess(pid: pid, input: input) }

    /// Called on the reactor's thread when the local end of the input is closed. If all input had been written, HCS is
    /// asked to close the process's end too, because a process sees the end of its input only through HCS. The call may
    /// hang, so it runs on a queue of its own.
    private func inputEnded(_ drained: Bool) {
        guard drained else { return }
        system.aside { [handle, host = system.context.host] in
            let document = JSONWriter.object { json in
                json.field("Operation", "CloseHandle")
                json.key("CloseHandle")
                json.object { $0.field("Handle", "StdIn") }
            }
            // A failure means that the process or its system is ending, which ends the input as well.
            try? handle.use("HcsModifyProcess") { process throws(HostComputeError) in
                try host.modify(process: process, document)
            }
        }
    }

    // MARK: Ending it

    /// Records that a signal is being delivered, which may be the reason of the exit.
    func noteSignal() { state.withLock { $0.influence.signalled = true } }

    /// Records that the process is being ended by force.
    /// - Returns: true for the first termination.
    func noteTermination() -> Bool {
        state.withLock { state in
            let first = !state.influence.terminated
            state.influence.terminated = true
            return first
        }
    }

    /// Undoes ``noteTermination()`` after the call failed.
    func forgetTermination() { state.withLock { $0.influence.terminated = false } }

    func notified(_ notification: Notification) {
        switch notification {
        case .processExited:
            noteExit()
            system.enqueue { self.concludeNotifiedExit() }
        case .serviceDisconnected:
            system.notified(.serviceDisconnected)
        default:
            break
        }
    }

    /// Records the time and the reason of the exit when it is first seen.
    private func noteExit() {
        let terminated = system.isGoingDown
        state.withLock { state in
            guard state.seen == nil else { return }
            var influence = state.influence
            if terminated { influence.terminated = true }
            state.seen = (influence, .now)
        }
    }

    // MARK: Reporting the exit

    func ask() -> ProcessStatus {
        let host = system.context.host
        do throws(HostComputeError) {
            return ProcessStatus(
                parsing: try handle.use("HcsGetProcessProperties") { process throws(HostComputeError) in
                    try host.properties(ofProcess: process)
                })
        } catch {
            return error.isGone ? .gone : .unanswered
        }
    }

    /// Reports an exit that HCS has notified. If HCS does not know the exit yet when asked, it is asked again later.
    private func concludeNotifiedExit() {
        guard !isConcluded else { return }
        drain()
        switch ask() {
        case .exited(let code): report(code, .driver)
        case .exitedUnreadably, .gone: report(nil, .driver)
        case .running, .unanswered: system.later { self.concludeLost() }
        }
    }

    /// Asks HCS for a process that may have ended without a notification, and reports the exit if HCS confirms it.
    /// - Returns: whether the exit has been reported.
    @discardableResult
    func concludeIfGone() -> Bool {
        if isConcluded { return true }
        return concludeFound(ask())
    }

    /// Reports the exit if `status`, which HCS has returned, is an exit.
    /// - Returns: whether the exit has been reported.
    @discardableResult
    func concludeFound(_ status: ProcessStatus, _ observer: Exit.Observer = .poll) -> Bool {
        if isConcluded { return true }
        let code: UInt32?
        switch status {
        case .exited(let known): code = known
        case .exitedUnreadably: code = nil
        case .running, .gone, .unanswered: return false
        }
        noteExit()
        drain()
        report(code, observer)
        return true
    }

    /// Reports the exit of a process that is gone, with its code if HCS still knows it.
    func concludeLost() {
        guard !concludeIfGone() else { return }
        noteExit()
        drain()
        report(nil, .poll)
    }

    /// Reports the exit without a code. Neither asks HCS nor waits for output.
    func concludeUnknown() {
        noteExit()
        report(nil, .poll)
    }

    /// Suppresses the report of the exit; for a process whose start has failed.
    /// - Returns: false if the exit has been reported already.
    @discardableResult
    func silence() -> Bool {
        state.withLock { state in
            defer { state.concluded = true }
            return !state.concluded
        }
    }

    /// Whether the exit has been reported or suppressed.
    var isConcluded: Bool { state.withLock { $0.concluded } }

    /// Delivers all output that the process has written. A grandchild may keep the streams open after that.
    private func drain() {
        let (stdout, stderr) = state.withLock { ($0.stdout, $0.stderr) }
        if stdout != 0 { hc_stream_drain(stdout) }
        if stderr != 0 { hc_stream_drain(stderr) }
    }

    private func report(_ code: UInt32?, _ observer: Exit.Observer) {
        let exit: Exit? = state.withLock { state in
            guard !state.concluded else { return nil }
            state.concluded = true
            let (influence, at) = state.seen ?? (state.influence, .now)
            guard let code else {
                return .unknown(reason: influence.terminated ? .terminated : .exited, at: at, observedBy: observer)
            }
            return Exit(code: code, reason: Self.reason(code, influence), at: at, observedBy: observer)
        }
        if let exit { report(exit) }
    }

    /// Reports a process as lost: it could not be found again.
    func concludeVanished() {
        let first = state.withLock { state in
            defer { state.concluded = true }
            return !state.concluded
        }
        if first { report(.unknown(reason: .lost, at: .now, observedBy: .restore)) }
    }

    private func report(_ exit: Exit) {
        if let output { for stream in lostOutputs { output.end(stream) } }
        // Recorded before it is reported, because the receiver may call the driver at once.
        system.note(exit, of: name)
        system.context.events?.processExited(system.id, name, exit)
        release(keepingOutput: true)
        system.disown(self)
    }

    /// A console control event leaves 0xC000013A; a shell exits with 129 to 192 after a signal.
    private static func reason(_ code: UInt32, _ influence: Influence) -> Exit.Reason {
        if influence.terminated { return .terminated }
        if influence.signalled && (code == 0xC000_013A || (129...192).contains(code)) { return .signalled }
        return .exited
    }

    /// Closes the process's handle and streams. With `keepingOutput`, an output that a grandchild still holds stays
    /// open until the system closes.
    func release(keepingOutput: Bool) {
        let (input, outputs) = state.withLock { ($0.input, [$0.stdout, $0.stderr].filter { $0 != 0 }) }
        input?.close()
        for output in outputs {
            if !keepingOutput {
                hc_stream_close(output)
            } else if hc_stream_is_open(output) != 0 {
                system.keepUntilClosed(output)
            }
        }
        handle.close()
    }
}
