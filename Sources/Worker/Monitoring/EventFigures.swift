import ContainerProtocol

/// What is counted of events. Plain integers, on the loop only.
struct EventFigures {
    /// Events that were committed, by type.
    var counts: [Event.Kind: UInt64] = [:]
    /// Connections that subscribe.
    var subscribers = 0
}
