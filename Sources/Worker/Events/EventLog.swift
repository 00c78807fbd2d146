import ContainerProtocol

/// An event that has its number, as it goes over the wire.
struct RecordedEvent: Sendable {
    var seq: UInt64
    var kind: Event.Kind
    var id: ContainerID?
    /// The encoded body.
    var body: [UInt8]
}

/// Where every event goes before anyone is told of it, and where `events` is answered from.
///
/// Lives on the socket loop. One log serves one host, whose numbers it keeps.
protocol EventLog: AnyObject {
    /// The number of this start of the worker.
    var epoch: UInt64 { get }
    /// The number of the newest event; 0 where there was none yet.
    var lastSequence: UInt64 { get }
    /// The number of the oldest event that can still be read; one more than the newest where there is none.
    var oldestSequence: UInt64 { get }

    /// Keeps `events`, whose numbers follow ``lastSequence`` without a gap, and then calls `kept` on the loop.
    func append(_ events: [RecordedEvent], kept: @escaping () -> Void)

    /// Up to `limit` events after `sequence` that `isWanted`, oldest first, and not many more than `bytes` of them.
    func read(
        after sequence: UInt64, limit: Int, bytes: Int, where isWanted: (RecordedEvent) -> Bool
    ) -> [RecordedEvent]
}
