/// The connections of the worker's pages: who may have one, what each has sent, and when it ends. Pure.
///
/// libzmq reports a connection's beginning and its end in the same way. A connection that is cut stays here until its end
/// is reported, so that this is not taken for another beginning; where the report is lost, it is forgotten after a while.
struct HTTPConnections {
    /// The most connections that are served at a time.
    static let limit = 64
    /// A connection that is silent for so long is cut.
    static let patience = Duration.seconds(10)

    private struct Connection {
        var reader = HTTPRequestReader()
        var lastHeard: ContinuousClock.Instant
        /// Its descriptor, by which it is cut; nil where libzmq does not know it.
        var descriptor: Int32?
        /// A request is being answered: the next one waits, since answers go out in order.
        var isBusy = false
        /// Nothing more is read of it.
        var isClosing = false
        /// Its end has not been reported yet.
        var isCut = false
    }

    private var connections: [[UInt8]: Connection] = [:]
    /// How many are served.
    private(set) var count = 0

    /// A connection has begun or has ended.
    /// - Returns: false where it is one too many: it is to be cut.
    mutating func beganOrEnded(_ id: [UInt8], _ descriptor: Int32?, at now: ContinuousClock.Instant) -> Bool {
        if let known = connections.removeValue(forKey: id) {
            if !known.isCut { count -= 1 }
            return true
        }
        connections[id] = Connection(lastHeard: now, descriptor: descriptor)
        count += 1
        return count <= HTTPConnections.limit
    }

    /// A connection is cut, and its end will be reported.
    /// - Returns: its descriptor.
    mutating func cut(_ id: [UInt8], at now: ContinuousClock.Instant) -> Int32? {
        guard let connection = connections[id] else { return nil }
        if !connection.isCut { count -= 1 }
        connections[id]?.isCut = true
        connections[id]?.isClosing = true
        connections[id]?.lastHeard = now
        connections[id]?.reader = HTTPRequestReader()
        return connection.descriptor
    }

    /// Whether a connection is served.
    func serves(_ id: [UInt8]) -> Bool { connections[id]?.isCut == false }

    /// A connection has sent something.
    mutating func received(_ id: [UInt8], _ bytes: some Sequence<UInt8>, at now: ContinuousClock.Instant) {
        guard connections[id]?.isClosing == false else { return }
        connections[id]?.lastHeard = now
        connections[id]?.reader.append(bytes)
    }

    /// Takes out the next request of a connection, unless one is being answered; ``answered(_:closes:at:)`` must follow.
    mutating func next(_ id: [UInt8]) -> HTTPRequestReader.Outcome? {
        guard let connection = connections[id], !connection.isBusy, !connection.isClosing,
            let outcome = connections[id]?.reader.next()
        else { return nil }
        connections[id]?.isBusy = true
        return outcome
    }

    /// A request has been answered.
    /// - Parameter closes: whether the connection is to be cut soon, and nothing more is read of it.
    mutating func answered(_ id: [UInt8], closes: Bool, at now: ContinuousClock.Instant) {
        connections[id]?.isBusy = false
        if closes { connections[id]?.isClosing = true }
        connections[id]?.lastHeard = now
    }

    /// Takes out the connections that have been silent for too long: they are to be cut. Those that were cut, and whose
    /// end was not reported, are forgotten.
    mutating func silent(at now: ContinuousClock.Instant) -> [[UInt8]] {
        let silent = connections.filter { now - $0.value.lastHeard >= HTTPConnections.patience }
        for (id, connection) in silent where connection.isCut { connections[id] = nil }
        return silent.filter { !$0.value.isCut }.map(\.key)
    }
}
