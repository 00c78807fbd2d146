public import MessagePack

/// One published message.
public struct PublishedEvent: Sendable {
    /// `<type>/<container id>`; for a `welcome` the subscription's own prefix.
    public let topic: String
    /// The body.
    public let body: Value

    init(topic: String, body: Value) {
        self.topic = topic
        self.body = body
    }

    /// An event from the worker's log, as it was published.
    init(logged body: Value) {
        self.init(topic: "\(body["type"]?.string ?? "")/\(body["id"]?.string ?? "")", body: body)
    }

    /// What happened.
    public var type: String { body["type"]?.string ?? "" }
    /// The event's number on its host; nil for `welcome` and `heartbeat`.
    public var seq: UInt64? { body["seq"]?.unsigned }
    /// The container.
    public var id: String? { body["id"]?.string }
    /// The host.
    public var host: String { body["host"]?.string ?? "" }
}
