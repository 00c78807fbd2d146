/// Which peers a socket serves. Each class has sockets of its own, so that no peer of one can claim a routing id of another
/// or fill its queues.
enum TrustClass: Sendable, CaseIterable {
    /// Peers on this host: `ipc://` and TCP on the loopback addresses, in the clear.
    case local
    /// Peers on other hosts: CURVE only.
    case remote
    /// Brokers that this worker connects to.
    case dialled
}

/// What a socket is for: ZAP decides about the two apart.
enum SocketPurpose: String, Sendable {
    case commands, events
}

extension Endpoint {
    /// The sockets that serve it.
    var trust: TrustClass {
        if connects { return .dialled }
        return isLocal ? .local : .remote
    }

    /// The ZAP domain of connections by this endpoint.
    func domain(_ purpose: SocketPurpose) -> AccessDomain {
        switch (isLocal, purpose) {
        case (true, .commands): .localCommands
        case (true, .events): .localEvents
        case (false, .commands): .commands
        case (false, .events): .events
        }
    }
}

extension [Endpoint] {
    /// The endpoints of each class that has some.
    var byTrust: [(trust: TrustClass, endpoints: [Endpoint])] {
        TrustClass.allCases.compactMap { trust in
            let own = filter { $0.trust == trust }
            return own.isEmpty ? nil : (trust, own)
        }
    }

    /// The ZAP domains of connections by these endpoints.
    func domains(_ purpose: SocketPurpose) -> Set<AccessDomain> { Set(map { $0.domain(purpose) }) }

    /// Puts together, in the order of these endpoints, where the sockets of each class serve.
    func inOrder(_ served: [(trust: TrustClass, addresses: [String])]) -> [String] {
        var left = Dictionary(served.map { ($0.trust, $0.addresses[...]) }) { first, _ in first }
        return compactMap { left[$0.trust]?.popFirst() }
    }
}
