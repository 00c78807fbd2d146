/// What one connection has subscribed to in one turn of the event sockets' loop.
struct SubscriptionReport: Sendable {
    let connection: Int32
    /// The number of its handshake.
    let handshake: UInt64
    /// The user id that ZAP gave it.
    let user: String?
    var added = 0
    var ended = 0
    /// Bytes of text that its subscriptions have grown by.
    var bytes = 0
    /// Whether one was longer than a topic can be.
    var isTooLong = false
}
