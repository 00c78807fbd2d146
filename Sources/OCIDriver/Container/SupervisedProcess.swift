import ContainerDriver
import ContainerModel
import Synchronization

/// One process of a container: where its output goes, how far that has come, and how it ended.
final class SupervisedProcess: Sendable {
    private struct State {
        var known: SupervisedState?
        var output: (any ProcessOutput)?
        /// Where the output goes on.
        var position: UInt64 = 0
        var ended: Set<OutputStream> = []
        var isReading = false
        var input: SupervisedInput?
        /// Its exit, once it is known.
        var exit: Exit?
        var isReported = false
        var isForgetting = false
    }

    let name: ProcessName
    let hasTerminal: Bool
    /// The greatest number of the processes before it: what is notified of those is not of this one, whose name it may be.
    private let predecessor: UInt32?
    private let state = Mutex(State())

    init(
        _ name: ProcessName, hasTerminal: Bool, output: (any ProcessOutput)? = nil, after predecessor: UInt32? = nil
    ) {
        self.name = name
        self.hasTerminal = hasTerminal
        self.predecessor = predecessor
        state.withLock { $0.output = output }
    }

    // MARK: What is known

    var known: SupervisedState? { state.withLock(\.known) }
    var number: UInt32? { known?.number }
    var identity: ProcessIdentity? { known?.identity }
    var pid: UInt32? { identity.map { UInt32($0.pid) } }
    var isReported: Bool { state.withLock(\.isReported) }
    var exit: Exit? { state.withLock(\.exit) }

    /// Whether its exit is known and all its output before that has been passed on.
    var isComplete: Bool {
        state.withLock { state in
            guard state.exit != nil else { return false }
            return state.output == nil || state.position >= state.known?.exitOutput ?? 0
        }
    }

    /// Whether every stream has ended.
    var hasAllOutput: Bool { state.withLock { $0.ended.isSuperset(of: streams) } }

    private var streams: Set<OutputStream> { hasTerminal ? [.stdout] : [.stdout, .stderr] }

    /// Notes what the supervisor says; an older notice does not undo a newer one.
    /// - Returns: false where it is of another process.
    @discardableResult func note(_ known: SupervisedState) -> Bool {
        if let predecessor, known.number <= predecessor { return false }
        return state.withLock { state in
            if let before = state.known {
                guard before.number == known.number else { return false }
                if before.phase > known.phase { return true }
            }
            state.known = known
            return true
        }
    }

    /// Whether its exit is still to be reported to someone.
    var owesExit: Bool { state.withLock { $0.output != nil && !$0.isReported } }

    /// Notes how it ended.
    /// - Returns: false where that was known.
    @discardableResult func note(_ exit: Exit) -> Bool {
        let input = state.withLock { state -> SupervisedInput?? in
            guard state.exit == nil else { return nil }
            state.exit = exit
            return state.input
        }
        guard let input else { return false }
        input?.close()
        return true
    }

    /// The caller reports the exit.
    /// - Returns: nil where it has been reported, or is not known.
    func takeReport() -> Exit? {
        state.withLock { state in
            guard !state.isReported, let exit = state.exit else { return nil }
            state.isReported = true
            return exit
        }
    }

    /// - Returns: true the first time.
    func beginForgetting() -> Bool {
        state.withLock { state in
            defer { state.isForgetting = true }
            return !state.isForgetting
        }
    }

    /// Its exit is known to the receiver, and is not reported again.
    func markReported() { state.withLock { $0.isReported = true } }

    func setInput(_ input: SupervisedInput?) { state.withLock { $0.input = input } }

    // MARK: Output

    /// Begins to pass its output on.
    /// - Returns: where to read from; nil where it is read already.
    func beginReading(into output: (any ProcessOutput)? = nil, from position: UInt64? = nil) -> UInt64? {
        state.withLock { state in
            if let output { state.output = output }
            if let position { state.position = position }
            guard !state.isReading, state.output != nil else { return nil }
            state.isReading = true
            return state.position
        }
    }

    /// Whether someone has its output: its exit is then to be reported.
    var isWanted: Bool { state.withLock { $0.output != nil } }

    /// Its output has come as far as it ever will.
    func giveUpOutput() { state.withLock { $0.position = .max } }

    /// It is not read any more.
    func stopReading() { state.withLock { $0.isReading = false } }

    /// What to do when a piece has been passed on.
    enum Next: Equatable {
        case read(from: UInt64)
        /// The reader takes no more before it says so.
        case stop
        /// Nothing more comes.
        case end
    }

    /// Passes a piece on. Called by one thread at a time.
    /// - Parameter resume: called once, on any thread, when reading is to go on after a stop.
    func pass(_ piece: OutputPiece, resume: @escaping @Sendable () -> Void) -> Next {
        guard let output = state.withLock(\.output) else { return .end }
        if piece.dropped > 0 { output.lose(piece.dropped) }
        // Each stream may be stopped, and both are read together: the last to be resumed resumes.
        let stops = Stops(resume)
        if !piece.forEach({ if !output.write($0, $1, resume: stops.resumption) { stops.stop() } }) {
            for stream in streams { output.lose(stream) }
        }
        let ended = state.withLock { state -> Set<OutputStream> in
            state.position = piece.next
            let new = piece.ended.intersection(streams).subtracting(state.ended)
            state.ended.formUnion(new)
            return new
        }
        for stream in ended { output.end(stream) }
        if hasAllOutput { return .end }
        // What was written before an exit is handed over in any case.
        return exit == nil && stops.seal() ? .stop : .read(from: piece.next)
    }

    /// Passes on what a supervisor's file has of its output.
    func readRecorded(_ spool: SpoolFile) {
        spool.read(from: position) { piece in _ = pass(piece) {} }
    }

    /// Where its output goes on.
    var position: UInt64 { state.withLock(\.position) }

    /// Ends its streams: nothing more can come.
    /// - Parameter isLost: whether output may be missing.
    func endOutput(isLost: Bool) {
        let (output, open) = state.withLock { state -> ((any ProcessOutput)?, Set<OutputStream>) in
            let open = streams.subtracting(state.ended)
            state.ended.formUnion(open)
            return (state.output, open)
        }
        for stream in open {
            if isLost { output?.lose(stream) }
            output?.end(stream)
        }
    }
}
