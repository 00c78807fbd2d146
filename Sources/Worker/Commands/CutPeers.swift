/// Connections whose messages are discarded: they were cut, or are gone, and libzmq may still hold much of theirs. Pure.
///
/// They are kept as hashes of their routing ids, seeded anew in every process.
struct CutPeers {
    private var recent: Set<Int> = []
    private var older: Set<Int> = []
    private var begun = ContinuousClock.now

    /// A peer that comes again under a routing id of its own choice is heard again after one to two such times, however
    /// busy the socket is.
    private static let duration = Duration.seconds(5)

    var isEmpty: Bool { recent.isEmpty && older.isEmpty }

    mutating func insert(_ peer: [UInt8], at now: ContinuousClock.Instant) {
        if now - begun > CutPeers.duration {
            older = now - begun > CutPeers.duration * 2 ? [] : recent
            recent = []
            begun = now
        }
        recent.insert(CutPeers.hash(peer))
    }

    func contains(_ peer: [UInt8]) -> Bool {
        let hash = CutPeers.hash(peer)
        return recent.contains(hash) || older.contains(hash)
    }

    private static func hash(_ peer: [UInt8]) -> Int { peer.hashValue }
}
