import ContainerModel

/// What is counted of events. Plain integers, on the loop only.
struct EventFigures {
    /// Events that were committed, by type.
    var counts: [Event.Kind: UInt64] = [:]
    /// Connections that subscribe.
    var subscribers = 0
    /// Events that were not published, because too many waited to be sent.
    var unpublished: UInt64 = 0
}
