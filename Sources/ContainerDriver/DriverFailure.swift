/// Why a driver could not do what it was asked.
public struct DriverFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure, in the words of the wire protocol.
    public enum Code: Sendable, Equatable, CaseIterable {
        case invalidArgument, notFound, alreadyExists, failedPrecondition, resourceExhausted, unavailable
        case deadlineExceeded, unimplemented, permissionDenied, aborted, `internal`
    }

    /// What kind of failure.
    public var code: Code
    /// One sentence for a person that names the thing and what to do.
    public var message: String
    /// Whether the same call can succeed later without any change.
    public var retryable: Bool
    /// The HRESULT, where the failure is HCS's.
    public var hresult: UInt32?
    /// The service's operation that failed, such as `HcsCreateComputeSystem`.
    public var operation: String?
    /// The service's own message.
    public var driverMessage: String?
    /// The events by which the service explains the failure, in its order; a bounded number, of bounded size.
    public var errorEvents: [ErrorEvent]
    /// How many more events there were.
    public var errorEventsDropped: Int

    /// A failure.
    public init(
        _ code: Code, _ message: String, retryable: Bool = false, hresult: UInt32? = nil, operation: String? = nil,
        driverMessage: String? = nil, errorEvents: [ErrorEvent] = [], errorEventsDropped: Int = 0
    ) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.hresult = hresult
        self.operation = operation
        self.driverMessage = driverMessage
        self.errorEvents = errorEvents
        self.errorEventsDropped = errorEventsDropped
    }

    public var description: String { message }
}
