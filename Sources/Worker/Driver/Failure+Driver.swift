import ContainerDriver
import ContainerProtocol
import MessagePack

extension Failure {
    /// A driver's failure in its wire form: the one place where the two meet.
    init(_ failure: DriverFailure) {
        self.init(failure.code.wire, failure.message, retryable: failure.retryable)
        if let hresult = failure.hresult { details["hresult"] = .unsigned(UInt64(hresult)) }
        if let operation = failure.operation { details["operation"] = .string(operation) }
        if let message = failure.driverMessage { details["driver_message"] = .string(message) }
        if !failure.errorEvents.isEmpty { details["error_events"] = .array(failure.errorEvents.map(Self.event)) }
        if failure.errorEventsDropped > 0 {
            details["error_events_dropped"] = .unsigned(UInt64(failure.errorEventsDropped))
        }
    }

    /// An event as a map that holds what the event has.
    private static func event(_ event: ErrorEvent) -> Value {
        var map: Value.Map = ["message": .string(event.message)]
        if let provider = event.provider { map["provider"] = .string(provider) }
        if let id = event.eventID { map["event_id"] = .unsigned(UInt64(id)) }
        if let flags = event.flags { map["flags"] = .unsigned(UInt64(flags)) }
        if let trace = event.stackTrace { map["stack_trace"] = .string(trace) }
        if let source = event.source { map["source"] = .string(source) }
        return .map(map)
    }
}

extension DriverFailure.Code {
    /// The code as peers see it.
    var wire: Failure.Code {
        switch self {
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
    }
}
