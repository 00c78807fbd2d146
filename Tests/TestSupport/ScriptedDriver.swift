public import ContainerDriver
public import ContainerModel
import ContainerProtocol
import MessagePack
import Synchronization

/// A driver without a host: it notes every call, and does what the test says. It never blocks.
public final class ScriptedDriver: ContainerDriver {
    /// The calls that a driver gets.
    public enum Kind: String, Sendable, CaseIterable {
        case plan, create, start, startProcess, signal, shutDown, terminate, discard, check, pause, resume, resize
        case statistics, processes, update, enumerate, takeUpUnstarted, missingUnstarted, open, probe
    }

    /// One call.
    public struct Call: Sendable, Equatable, CustomStringConvertible {
        public var kind: Kind
        public var id: ContainerID?
        public var process: ProcessName?

        public var description: String {
            [kind.rawValue, id?.rawValue, process?.rawValue].compactMap { $0 }.joined(separator: " ")
        }
    }

    private struct State {
        var calls: [Call] = []
        var failures: [Kind: [DriverFailure]] = [:]
        var hooks: [Kind: @Sendable () -> Void] = [:]
        var opened: [ContainerID: OpenedContainer] = [:]
        var outputs: [String: any ProcessOutput] = [:]
        var inputs: [String: ScriptedInput] = [:]
        var known: [ContainerID: [KnownProcess]] = [:]
        var knownContainers: [ContainerID: KnownContainer] = [:]
        var enumerated = EnumeratedContainers()
        var missing: [ContainerID] = []
        var lastPID: UInt32 = 100
        var events: (any DriverEvents)?
    }

    private let state = Mutex(State())
    public let name = "scripted"
    public let version = "1"
    public let capabilities: Set<Capability>

    /// A driver that can do `capabilities`.
    public init(capabilities: Set<Capability> = Set(Capability.allCases)) { self.capabilities = capabilities }

    // MARK: The test's side

    /// The calls so far, as `kind id process`.
    public var calls: [String] { state.withLock { $0.calls.map(\.description) } }

    /// Lets the next calls of a kind fail, one after another.
    public func fail(_ kind: Kind, _ failures: DriverFailure...) {
        state.withLock { $0.failures[kind, default: []] += failures }
    }

    /// Runs `body` in the next call of a kind, before it returns: what happens while the call hangs.
    public func during(_ kind: Kind, _ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.hooks[kind] = body }
    }

    /// What `open` finds of a container; of one that is not given it finds nothing.
    public func setOpened(_ id: ContainerID, _ opened: OpenedContainer?) { state.withLock { $0.opened[id] = opened } }

    /// What `enumerate` finds.
    public func setEnumerated(_ ids: [ContainerID], unstarted: Set<ContainerID> = []) {
        state.withLock { $0.enumerated = EnumeratedContainers(ids, unstarted: unstarted) }
    }

    /// What `missingUnstarted` finds.
    public func setMissing(_ ids: [ContainerID]) { state.withLock { $0.missing = ids } }

    /// Reports the exit of a process.
    public func exit(_ id: ContainerID, _ process: ProcessName = .initial, code: UInt32 = 0) {
        let exit = Exit(code: code, reason: .exited, at: .epoch, observedBy: .driver)
        state.withLock { $0.events }?.processExited(id, process, exit)
    }

    /// Reports that the service went away.
    public func disconnect() {
        let failure = DriverFailure(.unavailable, "the service went away", retryable: true)
        state.withLock { $0.events }?.serviceDisconnected(failure)
    }

    /// Where a process that was started, or found again, writes to.
    public func output(_ id: ContainerID, _ process: ProcessName = .initial) -> (any ProcessOutput)? {
        state.withLock { $0.outputs["\(id) \(process)"] }
    }

    /// What a process has read from its standard input.
    public func input(_ id: ContainerID, _ process: ProcessName = .initial) -> ScriptedInput? {
        state.withLock { $0.inputs["\(id) \(process)"] }
    }

    /// The processes that `open` was asked for last.
    public func known(_ id: ContainerID) -> [KnownProcess] { state.withLock { $0.known[id] ?? [] } }

    /// What `open` was given last of a container.
    public func knownContainer(_ id: ContainerID) -> KnownContainer? { state.withLock { $0.knownContainers[id] } }

    // MARK: The worker's side

    public func connect(_ events: any DriverEvents) { state.withLock { $0.events = events } }

    private func note(_ kind: Kind, _ id: ContainerID? = nil, _ process: ProcessName? = nil) throws(DriverFailure) {
        let hook = state.withLock { $0.hooks.removeValue(forKey: kind) }
        hook?()
        let failure = state.withLock { state -> DriverFailure? in
            state.calls.append(Call(kind: kind, id: id, process: process))
            guard let failures = state.failures[kind], !failures.isEmpty else { return nil }
            return state.failures[kind]?.removeFirst()
        }
        if let failure { throw failure }
    }

    public func plan(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> ContainerPlan {
        try note(.plan, id)
        return ContainerPlan(
            document: #"{"secret":1}"#, loggable: "{}", warnings: ["a warning"], ignored: ["linux"])
    }

    public func create(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure)
        -> CreatedContainer
    {
        try note(.create, id)
        return CreatedContainer(isolation: .none, canPause: true)
    }

    private func started(
        _ id: ContainerID, _ process: ProcessName, _ stdin: Bool, _ output: any ProcessOutput
    ) -> StartedProcess {
        state.withLock { state in
            state.lastPID += 1
            let input = stdin ? ScriptedInput() : nil
            state.outputs["\(id) \(process)"] = output
            state.inputs["\(id) \(process)"] = input
            return StartedProcess(pid: state.lastPID, input: input)
        }
    }

    public func start(
        _ id: ContainerID, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        try note(.start, id)
        return started(id, .initial, stdin, output)
    }

    public func startProcess(
        _ id: ContainerID, _ name: ProcessName, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        try note(.startProcess, id, name)
        return started(id, name, stdin, output)
    }

    public func signal(_ id: ContainerID, _ process: ProcessName, _ signal: Signal) throws(DriverFailure) {
        try note(.signal, id, process)
    }

    public func shutDown(_ id: ContainerID) throws(DriverFailure) -> ShutDown {
        try note(.shutDown, id)
        return ShutDown(updatePending: false, forced: false)
    }

    public func terminate(_ id: ContainerID) throws(DriverFailure) { try note(.terminate, id) }
    public func discard(_ id: ContainerID) throws(DriverFailure) { try note(.discard, id) }
    public func check(_ id: ContainerID) throws(DriverFailure) { try note(.check, id) }
    public func pause(_ id: ContainerID) throws(DriverFailure) { try note(.pause, id) }
    public func resume(_ id: ContainerID) throws(DriverFailure) { try note(.resume, id) }

    public func resize(_ id: ContainerID, _ process: ProcessName, _ size: ConsoleSize) throws(DriverFailure) {
        try note(.resize, id, process)
    }

    public func statistics(_ id: ContainerID) throws(DriverFailure) -> ContainerStatistics {
        try note(.statistics, id)
        return ContainerStatistics(readAt: .epoch)
    }

    public func processes(_ id: ContainerID) throws(DriverFailure) -> [ProcessSummary] {
        try note(.processes, id)
        return [ProcessSummary(pid: 101, image: "sh")]
    }

    public func update(_ id: ContainerID, _ resources: OCIResources) throws(DriverFailure) -> UpdatedResources {
        try note(.update, id)
        return UpdatedResources(applied: ["memory"], ignored: [])
    }

    public func enumerate() throws(DriverFailure) -> EnumeratedContainers {
        try note(.enumerate)
        return state.withLock { $0.enumerated }
    }

    public func takeUpUnstarted(_ containers: [(id: ContainerID, known: KnownContainer)]) throws(DriverFailure) {
        try note(.takeUpUnstarted)
        state.withLock { state in
            for (id, known) in containers { state.knownContainers[id] = known }
        }
    }

    public func missingUnstarted() throws(DriverFailure) -> [ContainerID] {
        try note(.missingUnstarted)
        return state.withLock { $0.missing }
    }

    public func open(
        _ id: ContainerID, _ known: KnownContainer, _ processes: [KnownProcess], ended: Set<UInt32>
    ) throws(DriverFailure) -> OpenedContainer {
        try note(.open, id)
        let opened = state.withLock { state in
            state.known[id] = processes
            state.knownContainers[id] = known
            for process in processes { state.outputs["\(id) \(process.name)"] = process.output }
            return state.opened[id]
        }
        guard let opened else { throw DriverFailure(.notFound, "there is no container \(id)") }
        return opened
    }

    public func probe() throws(DriverFailure) { try note(.probe) }
}
