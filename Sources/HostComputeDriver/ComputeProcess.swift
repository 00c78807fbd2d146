import CHostCompute
import ContainerDriver
import ContainerProtocol
import Synchronization

import struct MessagePack.Timestamp

/// One process of a compute system, from its creation until its exit has been told.
final class ComputeProcess: NotificationSink, Sendable {
    /// Why it may have ended, besides by itself.
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
        /// When its exit was seen, and the influence until then: a kill that comes after that changes nothing.
        var seen: (influence: Influence, at: Timestamp)?
        /// Whether its exit has been told, or must never be.
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

    /// Takes over the standard handles, each by itself: each is closed once, those of a failed call included.
    /// - Returns: why the first of those that cannot be had cannot be; nil where all are there.
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

    /// None of its streams can be had.
    func loseStreams(_ output: OutputGate) {
        state.withLock { state in
            state.output = output
            state.lostOutputs = terminal ? [.stdout] : [.stdout, .stderr]
            state.hasLostInput = true
        }
    }

    /// The outputs that run on and cannot be read: they end with the process.
    var lostOutputs: [OutputStream] { state.withLock { $0.lostOutputs } }

    /// Where its output goes.
    var output: OutputGate? { state.withLock { $0.output } }

    /// The outputs that it was given no handle for.
    var missingOutputs: [OutputStream] {
        let (stdout, stderr, lost) = state.withLock { ($0.stdout, $0.stderr, $0.lostOutputs) }
        let missing: [OutputStream] = (stdout == 0 ? [.stdout] : []) + (stderr == 0 && !terminal ? [.stderr] : [])
        return missing.filter { !lost.contains($0) }
    }

    /// Its standard input, where it has one, or had one that is lost.
    var input: (any ProcessInput)? {
        let (input, isLost) = state.withLock { ($0.input, $0.hasLostInput) }
        return input ?? (isLost ? LostInput(subject: subject) : nil)
    }

    /// The process as the worker gets it.
    var started: StartedProcess { StartedProcess(pid: pid, input: input) }

    /// The local end of the input is closed; where all had been handed over, the process is told too: it sees the end
    /// of its input only through HCS. Runs on the reactor's thread, so the call is made elsewhere.
    private func inputEnded(_ drained: Bool) {
        guard drained else { return }
        system.aside { [handle, host = system.context.host] in
            let document = JSONWriter.object { json in
                json.field("Operation", "CloseHandle")
                json.key("CloseHandle")
                json.object { $0.field("Handle", "StdIn") }
            }
            // A failure means that the process or its system is on its way out, where the input ends by itself.
            try? handle.use("HcsModifyProcess") { process throws(HostComputeError) in
                try host.modify(process: process, document)
            }
        }
    }

    // MARK: Ending it

    /// Notes that a signal is being delivered; it says why the process may end.
    func noteSignal() { state.withLock { $0.influence.signalled = true } }

    /// Notes that the process is being ended by force.
    /// - Returns: whether this is the first time.
    func noteTermination() -> Bool {
        state.withLock { state in
            let first = !state.influence.terminated
            state.influence.terminated = true
            return first
        }
    }

    /// Takes a note back whose call failed.
    func forgetTermination() { state.withLock { $0.influence.terminated = false } }

    func notified(_ notification: Notification) {
        switch notification {
        case .processExited:
            noteExit()
            system.enqueue { self.concludeToldExit() }
        case .serviceDisconnected:
            system.notified(.serviceDisconnected)
        default:
            break
        }
    }

    /// Fixes what influenced the exit, the first time that it is seen.
    private func noteExit() {
        let terminated = system.isGoingDown
        state.withLock { state in
            guard state.seen == nil else { return }
            var influence = state.influence
            if terminated { influence.terminated = true }
            state.seen = (influence, .now)
        }
    }

    // MARK: Telling its exit

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

    /// HCS has told the exit. Where it does not say so yet when asked, it is asked once more a little later.
    private func concludeToldExit() {
        guard !isConcluded else { return }
        drain()
        switch ask() {
        case .exited(let code): tell(code, .driver)
        case .exitedUnreadably, .gone: tell(nil, .driver)
        case .running, .unanswered: system.later { self.concludeLost() }
        }
    }

    /// The process is believed to be gone though nothing was told: tells its exit if HCS confirms it.
    /// - Returns: whether its exit has been told.
    @discardableResult
    func concludeIfGone() -> Bool {
        if isConcluded { return true }
        return concludeFound(ask())
    }

    /// Tells the exit where `status`, which HCS has given, is one.
    /// - Returns: whether its exit has been told.
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
        tell(code, observer)
        return true
    }

    /// The process is gone: tells its exit with the code that HCS still knows, or without one.
    func concludeLost() {
        guard !concludeIfGone() else { return }
        noteExit()
        drain()
        tell(nil, .poll)
    }

    /// Tells the exit without asking or waiting for anything more.
    func concludeUnknown() {
        noteExit()
        tell(nil, .poll)
    }

    /// From now on its exit is nobody's business: the start that made it has failed.
    /// - Returns: false where its exit has been told already.
    @discardableResult
    func silence() -> Bool {
        state.withLock { state in
            defer { state.concluded = true }
            return !state.concluded
        }
    }

    /// Whether its exit has been told.
    var isConcluded: Bool { state.withLock { $0.concluded } }

    /// Hands over all that the process has written. A grandchild may keep the streams open after that.
    private func drain() {
        let (stdout, stderr) = state.withLock { ($0.stdout, $0.stderr) }
        if stdout != 0 { hc_stream_drain(stdout) }
        if stderr != 0 { hc_stream_drain(stderr) }
    }

    private func tell(_ code: UInt32?, _ observer: Exit.Observer) {
        let exit: Exit? = state.withLock { state in
            guard !state.concluded else { return nil }
            state.concluded = true
            let (influence, at) = state.seen ?? (state.influence, .now)
            guard let code else {
                return .unknown(reason: influence.terminated ? .terminated : .exited, at: at, observedBy: observer)
            }
            return Exit(code: code, reason: Self.reason(code, influence), at: at, observedBy: observer)
        }
        if let exit { tell(exit) }
    }

    /// The process could not be found again.
    func concludeVanished() {
        let first = state.withLock { state in
            defer { state.concluded = true }
            return !state.concluded
        }
        if first { tell(.unknown(reason: .lost, at: .now, observedBy: .restore)) }
    }

    private func tell(_ exit: Exit) {
        if let output { for stream in lostOutputs { output.end(stream) } }
        // Known before it is told: who hears of it may ask at once.
        system.note(exit, of: name)
        system.context.events?.processExited(system.id, name, exit)
        release(keepingOutput: true)
        system.disown(self)
    }

    /// 0xC000013A is what a console control event leaves; 129 to 192 is what a shell says of a signal.
    private static func reason(_ code: UInt32, _ influence: Influence) -> Exit.Reason {
        if influence.terminated { return .terminated }
        if influence.signalled && (code == 0xC000_013A || (129...192).contains(code)) { return .signalled }
        return .exited
    }

    /// Closes what the process holds. Its output stays open where a grandchild still writes to it; the system closes it
    /// at its own end.
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
