import ContainerModel
import ContainerProtocol
import MessagePack
import Synchronization
import UnixSignals
import WorkerClient

/// A process in a container, with this program's standard streams, signals and terminal joined to it until it exits.
struct AttachedProcess: Sendable {
    let session: Session
    let id: ContainerID
    var process = ProcessName.initial
    /// Whether standard input goes to it.
    var isInteractive = false
    /// Whether it has a terminal: then the local one hands every key on, and its size too.
    var hasTerminal = false
    /// Whether the process waits where this program cannot pass its output on.
    var isLossless = false
    /// What Ctrl-C does.
    var interruption = Interruption.endsProcess
    /// Where in the output to begin.
    var start = OutputStart.start
    /// How many bytes of input it has been given; nil where it was joined on its way, and others may write to it too.
    var inputOffset: UInt64? = 0
    /// With which keys the user leaves it.
    var keys = DetachKeys()

    /// What Ctrl-C does.
    enum Interruption: Sendable {
        /// It interrupts the process; a second one kills it, and a third leaves it alone.
        case endsProcess
        /// It leaves the process alone and ends this program.
        case leaves
    }

    /// How it came to an end here.
    enum Ending: Sendable {
        case exited(Exit, lostOutput: Bool)
        /// Detached, by keys or by a signal; the process goes on.
        case detached(byKeys: Bool)
    }

    fileprivate enum Step: Sendable {
        case exited(Exit)
        case outputEnded
        case inputEnded
        case graceOver
        case detached(byKeys: Bool)
    }

    /// The name of the process for people.
    var name: String { process == .initial ? id.rawValue : "\(id)/\(process)" }

    /// Follows the process to its end.
    func follow() async throws -> Ending {
        Terminal.surviveClosedOutput()
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup, .sigwinch)
        let pieces = try await session.client.output(of: id, process, from: start, lossless: isLossless)
        let copy = OutputCopy(session: session, id: id, process: process, from: start)
        let raw = isInteractive && hasTerminal ? Terminal.RawMode() : nil
        defer { raw?.restore() }
        let ending = try await withThrowingTaskGroup(of: Step.self) { group in
            defer { group.cancelAll() }
            group.addTask { .exited(try await session.client.wait(id, process)) }
            group.addTask {
                do {
                    try await copy.run(pieces)
                } catch is OutputClosed {
                    await send("TERM")
                } catch let failure as Failure {
                    // A worker that was restarted may not have it; the exit is still the process's.
                    copy.lose("there is no more output of \(name): \(failure.message)")
                }
                return .outputEnded
            }
            group.addTask { try await handle(signals) }
            if isLossless {
                group.addTask {
                    try await copy.keepHold()
                    return .inputEnded
                }
            }
            if isInteractive { group.addTask { try await forwardInput(hasKeys: raw != nil) } }
            if hasTerminal { await showScreen() }
            return try await conclude(&group, copy)
        }
        switch ending {
        case .exited(let exit, _):
            try await copy.rest()
            return .exited(exit, lostOutput: copy.hasLost)
        // The cursor is wherever the process has left it.
        case .detached: if raw != nil { try? Terminal.write("\r\n", to: .error) }
        }
        return ending
    }

    /// The exit alone ends it, but not before what was written has arrived.
    private func conclude(_ group: inout ThrowingTaskGroup<Step, any Error>, _ copy: OutputCopy) async throws -> Ending
    {
        var exit: Exit?
        var hasOutput = true
        var seen: UInt64?
        while let step = try await group.next() {
            switch step {
            case .exited(let known): exit = known
            case .outputEnded: hasOutput = false
            case .inputEnded: break
            case .detached(let byKeys): return .detached(byKeys: byKeys)
            case .graceOver:
                // Another process that has inherited the streams may keep them open for ever.
                if copy.offset == seen { hasOutput = false }
            }
            guard let exit else { continue }
            if !hasOutput { return .exited(exit, lostOutput: copy.hasLost) }
            guard !step.isInput else { continue }
            seen = copy.offset
            group.addTask {
                try await Task.sleep(for: .milliseconds(500))
                return .graceOver
            }
        }
        throw CancellationError()
    }

    // MARK: Signals

    private func handle(_ signals: UnixSignalsSequence) async throws -> Step {
        var requests = 0
        for await signal in signals {
            switch signal {
            case .sigwinch: Task { await resize() }
            case .sighup: return .detached(byKeys: false)
            default:
                if interruption == .leaves { return .detached(byKeys: false) }
                requests += 1
                // Nothing here waits for the worker, so that a user can leave one that does not answer.
                switch requests {
                case 1:
                    Task { await send(signal == .sigint ? "INT" : "TERM") }
                    session.console.note("\(name) was asked to end; interrupt again to kill it")
                case 2:
                    Task { await send("KILL") }
                    session.console.note("\(name) is being killed; interrupt again to leave without its exit code")
                default: return .detached(byKeys: false)
                }
            }
        }
        // Where there are no signals, the process alone ends this.
        try await Task.sleep(for: .seconds(Int64.max / 4))
        return .inputEnded
    }

    /// A signal that the platform does not know becomes the request to end.
    private func send(_ signal: String) async {
        do {
            try await session.call(
                .signalProcess, id, ["process": .string(process.rawValue), "signal": .string(signal)])
        } catch let failure as Failure where failure.code == .failedPrecondition || failure.code == .notFound {
            // It has ended meanwhile.
        } catch {
            guard signal == "INT" else { return session.console.report(error) }
            await send("TERM")
        }
    }

    /// Gives the process the terminal's size; one that was joined on its way redraws its screen only when the size
    /// changes.
    private func showScreen() async {
        if start == .now, let size = Terminal.size {
            await resize(ConsoleSize(width: size.width, height: max(1, size.height - 1)))
        }
        await resize()
    }

    private func resize() async {
        if let size = Terminal.size { await resize(size) }
    }

    private func resize(_ size: ConsoleSize) async {
        guard hasTerminal else { return }
        // A process that has ended has no size, and any other failure is not worth the user's screen.
        _ = try? await session.call(
            .resize, id, ["process": .string(process.rawValue), "width": .int(size.width), "height": .int(size.height)])
    }

    // MARK: Input

    private func forwardInput(hasKeys: Bool) async throws -> Step {
        let local = StandardInput()
        var remote = session.client.input(of: id, process, from: inputOffset)
        var keys = keys
        while let bytes = await local.next() {
            guard hasKeys else {
                if try await !write(bytes, to: &remote) { return .inputEnded }
                continue
            }
            let (passed, isDetach) = keys.filter(bytes)
            if !passed.isEmpty, try await !write(passed, to: &remote) { return .inputEnded }
            if isDetach { return .detached(byKeys: true) }
        }
        if !Task.isCancelled { _ = try await write([], to: &remote, end: true) }
        return .inputEnded
    }

    /// - Returns: false where the process takes no more.
    private func write(_ bytes: [UInt8], to input: inout ProcessInput, end: Bool = false) async throws -> Bool {
        do throws(Failure) {
            try await input.write(bytes, end: end, timeout: session.timeout ?? .seconds(300))
            return true
        } catch {
            // The process has exited or has closed its input. The wait for the exit reports which.
            guard error.code == .failedPrecondition || error.code == .notFound else { throw error }
            return false
        }
    }
}

extension AttachedProcess.Step {
    /// The end of the input does not end the process.
    fileprivate var isInput: Bool { if case .inputEnded = self { true } else { false } }
}
