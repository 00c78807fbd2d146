/// One of the events by which the service behind a driver explains a failure: what failed, and where.
public struct ErrorEvent: Sendable, Equatable {
    /// What happened, in words.
    public var message: String
    /// The source of the event: with HCS the id of an event provider.
    public var provider: String?
    /// The provider's number for this kind of event.
    public var eventID: UInt32?
    /// The provider's flags.
    public var flags: UInt32?
    /// The call stack at that place.
    public var stackTrace: String?
    /// The place in the service's source code, or the name of the component.
    public var source: String?

    /// An event.
    public init(
        message: String, provider: String? = nil, eventID: UInt32? = nil, flags: UInt32? = nil,
        stackTrace: String? = nil, source: String? = nil
    ) {
        self.message = message
        self.provider = provider
        self.eventID = eventID
        self.flags = flags
        self.stackTrace = stackTrace
        self.source = source
    }
}
