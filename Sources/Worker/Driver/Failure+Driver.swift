import ContainerDriver
import ContainerProtocol

extension Failure {
    /// A driver's failure as it stands on the wire: the one place where the two meet.
    init(_ failure: DriverFailure) {
        let code: Failure.Code =
            switch failure.code {
            case .invalidArgument: .invalidArgument
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .failedPrecondition: .failedPrecondition
            case .resourceExhausted: .resourceExhausted
            case .unavailable: .unavailable
            case .deadlineExceeded: .deadlineExceeded
            case .unimplemented: .unimplemented
            case .permissionDenied: .permissionDenied
            case .aborted: .aborted
            case .internal: .internal
            }
        self.init(code, failure.message, retryable: failure.retryable)
        if let hresult = failure.hresult { details["hresult"] = .unsigned(UInt64(hresult)) }
        if let operation = failure.operation { details["operation"] = .string(operation) }
        if let message = failure.driverMessage { details["driver_message"] = .string(message) }
    }

    /// A command that the container is in no state for.
    init(_ refusal: ContainerState.Refusal, _ id: ContainerID, state: ContainerRecord.State) {
        self.init(refusal.code, "\(id): \(refusal.message)", details: ["state": .string(state.rawValue)])
    }
}
