import ContainerModel
import ContainerProtocol
import MessagePack

/// A request without its answer, over all its tries.
struct PendingCall {
    /// The state of a call.
    enum State {
        /// For the connection, or for its turn.
        case waiting
        /// On the present connection, without an answer.
        case sent
        /// Between a try that failed and the next.
        case pausing
    }

    let method: Method
    var parameters: Value.Map
    let continuation: CheckedContinuation<Result<Value, Failure>, Never>
    /// Its place among all calls of the client.
    let number: UInt64
    let deadline: ContinuousClock.Instant?
    /// Whether only one try is made.
    let isSingle: Bool
    var state = State.waiting
    /// Whether a try was sent that has had no answer: it may have been carried out.
    var isInDoubt = false
    /// Tries in a row that the worker has refused.
    var failures = 0
    /// Tries in a row without an answer on one connection.
    var silences = 0
    /// The last failure that the worker answered.
    var lastFailure: Failure?
    /// The caller's deadline.
    var end: Alarm?
    /// The patience of the try that is under way, or the pause before the next.
    var step: Alarm?
    /// Whether the deadline has passed, and the call only waits for the worker's own reply about that.
    var isOverdue = false

    /// Whose standard input it is for; nil where it is for none.
    var inputOf: ProcessReference? { method == .stdin ? ProcessReference(parameters) : nil }
}

/// One process of one container, as requests name it.
struct ProcessReference: Hashable, Sendable {
    let id: String
    let process: String

    init(_ id: ContainerID, _ process: ProcessName) {
        self.id = id.rawValue
        self.process = process.rawValue
    }

    init(_ parameters: Value.Map) {
        id = parameters["id"]?.string ?? ""
        process = parameters["process"]?.string ?? ProcessName.initial.rawValue
    }

    init(_ piece: OutputPiece) {
        id = piece.id
        process = piece.process
    }

    /// What people call it.
    var name: String { process == ProcessName.initial.rawValue ? id : "\(id)/\(process)" }

    /// The parameters that name it.
    var parameters: Value.Map { ["id": .string(id), "process": .string(process)] }
}
