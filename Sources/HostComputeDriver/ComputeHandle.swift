import Synchronization

/// A handle of HCS and its callback: used by any number of threads, closed once, and never closed under a call.
///
/// If calls are in flight at ``close()``, the last of them closes the handle. A call that hangs in the service
/// therefore keeps its handle open, and ``close()`` never waits for it.
final class ComputeHandle: Sendable {
    /// What the handle is of.
    enum Kind: Sendable { case system, process }

    private struct State {
        var users = 0
        var closing = false
        var number: UInt = 0
        var callback: UInt = 0
    }

    private let host: HostCompute
    private let kind: Kind
    private let raw: UInt
    private let state = Mutex(State())

    init(_ host: HostCompute, _ kind: Kind, _ raw: UInt) {
        self.host = host
        self.kind = kind
        self.raw = raw
    }

    /// Delivers notifications to `sink` from now on. HCS repeats what happened before the registration. [inf]
    func register(_ sink: any NotificationSink) throws(HostComputeError) {
        let number = NotificationRegistry.shared.add(sink)
        let operation: StaticString =
            kind == .system ? "HcsRegisterComputeSystemCallback" : "HcsRegisterProcessCallback"
        do throws(HostComputeError) {
            // As every call, so that the handle is not closed under it.
            try use(operation) { raw throws(HostComputeError) in
                let callback =
                    switch kind {
                    case .system: try host.register(system: raw, number: number)
                    case .process: try host.register(process: raw, number: number)
                    }
                let closed = state.withLock { state in
                    guard !state.closing else { return true }
                    state.number = number
                    state.callback = callback
                    return false
                }
                if closed { unregister(callback, number) }
            }
        } catch {
            NotificationRegistry.shared.remove(number)
            throw error
        }
    }

    /// Whether notifications come.
    var isRegistered: Bool { state.withLock { $0.number != 0 } }

    /// Makes a call with the handle.
    func use<Result>(
        _ operation: StaticString, _ body: (UInt) throws(HostComputeError) -> Result
    ) throws(HostComputeError) -> Result {
        let open = state.withLock { state in
            if !state.closing { state.users += 1 }
            return !state.closing
        }
        guard open else { throw HostComputeError(operation, .closed) }
        defer {
            let last = state.withLock { state in
                state.users -= 1
                return state.closing && state.users == 0
            }
            if last { closeRaw() }
        }
        return try body(raw)
    }

    /// What HCS answers to a question about a compute system.
    func properties(_ query: [UInt8]) throws(HostComputeError) -> ContainerProperties {
        let text = try use("HcsGetComputeSystemProperties") { system throws(HostComputeError) in
            try host.properties(ofSystem: system, query)
        }
        guard let properties = AnswerDocument.read(ContainerProperties.self, text) else {
            throw HostComputeError("HcsGetComputeSystemProperties", .noDocument)
        }
        return properties
    }

    /// Unregisters the callback, forgets its number and closes the handle, in this order (HostComputeService A.6).
    /// Never from a notification: unregistering waits for those that run.
    func close() {
        let (first, unused, callback, number) = state.withLock { state in
            let first = !state.closing
            state.closing = true
            return (first, state.users == 0, state.callback, state.number)
        }
        guard first else { return }
        if number != 0 { unregister(callback, number) }
        if unused { closeRaw() }
    }

    private func unregister(_ callback: UInt, _ number: UInt) {
        // A failure leaves nothing to do: the number is forgotten, so what may still come is ignored.
        switch kind {
        case .system: try? host.unregister(systemCallback: callback)
        case .process: try? host.unregister(processCallback: callback)
        }
        NotificationRegistry.shared.remove(number)
    }

    private func closeRaw() {
        switch kind {
        case .system: try? host.closeSystem(raw)
        case .process: try? host.closeProcess(raw)
        }
    }
}
