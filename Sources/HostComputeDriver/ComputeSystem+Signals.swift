import ContainerDriver
import ContainerModel
import Dispatch
import Synchronization

extension ComputeSystem {
    /// Delivers a signal; that its receiver has ended is no failure.
    func signal(_ name: ProcessName, _ signal: Signal) throws(DriverFailure) {
        guard let process = try process(name) else { return }
        let supported = context.host.signalsProcesses
        let known = Signals.action(for: signal, context.signalNumbers)
        guard let action = supported ? known : Signals.actionWithoutSignals(for: signal, context.signalNumbers) else {
            if known != nil {
                throw DriverFailure(
                    .unimplemented,
                    "this Windows can't deliver signal '\(signal)', only end a process; use KILL or TERM")
            }
            throw DriverFailure(.invalidArgument, "signal '\(signal)' means nothing to \(subject); \(Signals.known)")
        }
        do throws(HostComputeError) {
            switch action {
            case .control(let control): try send(control, to: process)
            case .kill: try kill(process)
            }
        } catch {
            guard error.isGone || error.isInvalidState else { throw error.failure(process.subject) }
            // The process is gone or ending. Its exit is asked for a little later, in case the notification was lost.
            later { process.concludeIfGone() }
        }
    }

    private func send(_ control: Signals.Control, to process: ComputeProcess) throws(HostComputeError) {
        process.noteSignal()
        let document = control.document
        guard control == .ctrlShutdown else {
            try process.handle.use("HcsSignalProcess") { handle throws(HostComputeError) in
                try context.host.signal(process: handle, document)
            }
            return
        }
        // Some images hold this call until the program has ended (HostComputeService H), so it is made aside, and one
        // that has not failed by then counts as delivered.
        let failure = SignalFailure()
        aside { [context] in
            do throws(HostComputeError) {
                try process.handle.use("HcsSignalProcess") { handle throws(HostComputeError) in
                    try context.host.signal(process: handle, document)
                }
            } catch {
                failure.error.withLock { $0 = error }
            }
            failure.returned.signal()
        }
        guard failure.returned.wait(timeout: .now() + context.timeouts.signal.dispatchInterval) == .success else {
            return
        }
        if let error = failure.error.withLock({ $0 }) { throw error }
    }
}

/// How a signal that was sent aside fared.
private final class SignalFailure: Sendable {
    let returned = DispatchSemaphore(value: 0)
    let error = Mutex<HostComputeError?>(nil)
}
