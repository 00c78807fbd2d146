import ContainerProtocol
import Foundation
import Logging
import ZeroMQ

/// Decides who may come in and what they may do: by the clients' files and by the settings for peers of this host. On the
/// loop only.
final class Access {
    private let settings: WorkerConfiguration.Access
    private(set) var table = PrincipalTable()
    /// Peers of this host, by the name that ZAP gives them.
    private let locals: [String: Principal]
    private var rates: HandshakeRates
    private(set) var audit: AuditLog
    private(set) var counters = Counters()
    /// The principal that was looked up last, and its name with a NUL behind it.
    private var latest: (name: [CChar], principal: Principal)?
    /// Keys that have expired, and whose principals' connections have been ended for that.
    private var expired: Set<CurveKey> = []

    /// Has the sockets cut the connections of principals, and conclude what they asked for.
    /// - Returns: how many connections there were.
    var revoke: (Set<String>) -> Int = { _ in 0 }

    /// What has become of handshakes and requests.
    struct Counters {
        var accepted: UInt64 = 0
        var refused: UInt64 = 0
        var denied: UInt64 = 0
    }

    init(_ settings: WorkerConfiguration.Access, logger: Logger) {
        self.settings = settings
        var locals: [String: Principal] = [:]
        for (user, role) in settings.localUsers { locals["uid:\(user)"] = Principal("uid:\(user)", role) }
        if let role = settings.localRole { locals[Principal.localName] = Principal(Principal.localName, role) }
        self.locals = locals
        rates = HandshakeRates(
            perSecond: settings.handshakesPerSecond, burst: max(settings.connections, settings.handshakesPerSecond),
            principalBurst: 2 * settings.principalConnections)
        audit = AuditLog(logger)
    }

    // MARK: Handshakes

    /// What a handshake comes to.
    enum Verdict {
        case accepted(Principal)
        case refused(Refusal)
    }

    /// Decides about a handshake.
    /// - Parameter connections: counts the connections of a principal that stand already.
    func decide(
        _ request: HandshakeRequest, at now: ContinuousClock.Instant, second: Int64, connections: (String) -> Int
    ) -> Verdict {
        let verdict = verdict(request, at: now, second: second, connections: connections)
        switch verdict {
        case .accepted(let principal):
            counters.accepted += 1
            audit.accepted(principal, request)
        case .refused(let reason):
            counters.refused += 1
            audit.refused(reason, request, at: now)
        }
        return verdict
    }

    private func verdict(
        _ request: HandshakeRequest, at now: ContinuousClock.Instant, second: Int64, connections: (String) -> Int
    ) -> Verdict {
        switch (AccessDomain(rawValue: request.domain), request.mechanism) {
        case (.localCommands, .clear), (.localEvents, .clear):
            let own = request.userID.flatMap { locals["uid:\($0)"] }
            guard let principal = own ?? locals[Principal.localName] else { return .refused(.role) }
            return .accepted(principal)
        case (let domain?, .curve) where domain == .commands || domain == .events:
            guard let key = request.key, let grant = table.grants[key] else { return .refused(.unknownKey) }
            if let expires = grant.expires, expires <= second { return .refused(.expired) }
            let principal = grant.principal
            guard domain == .commands || principal.mayFollowEvents else { return .refused(.role) }
            guard rates.admit(principal.name, at: now) else { return .refused(.rate) }
            guard connections(principal.name) < settings.principalConnections else { return .refused(.rate) }
            return .accepted(principal)
        default: return .refused(.mechanism)
        }
    }

    // MARK: Requests

    /// The principal with the user id that ZAP gave a message; nil for one that may not come in any more.
    func principal(_ userID: UnsafePointer<CChar>?) -> Principal? {
        guard let userID else { return nil }
        if let latest, strcmp(userID, latest.name) == 0 { return latest.principal }
        guard let principal = principal(named: String(cString: userID)) else { return nil }
        latest = (Array(principal.name.utf8CString), principal)
        return principal
    }

    /// The principal of that name; nil for one that may not come in any more.
    func principal(named name: String) -> Principal? { locals[name] ?? table.principals[name] }

    /// A principal as it is by now; nil where it may not come in any more.
    func current(_ principal: Principal) -> Principal? {
        principal.isLocal ? principal : self.principal(named: principal.name)
    }

    /// Why a principal may not have a request served; nil where it may.
    func refusal(of principal: Principal, _ request: Request, second: () -> Int64) -> Failure? {
        if let expires = principal.expires, expires <= second() { return .keyExpired(principal.name) }
        let needed = request.method.traits.role
        guard principal.role >= needed else {
            deny(principal, request.method, needs: needed.rawValue)
            return .notAllowed(request.method, principal.role, needed)
        }
        if principal.isBoundToProfiles, let failure = ProfileBounds.refusal(of: request.command) {
            deny(principal, request.method, needs: "profiles_only = no")
            return failure
        }
        return nil
    }

    private func deny(_ principal: Principal, _ method: Method, needs: String) {
        counters.denied += 1
        audit.denied(principal, method, needs: needs)
    }

    // MARK: The clients' files

    /// What a reload came to.
    struct Reloaded {
        var changes: PrincipalTable.Changes
        var cut: Int
    }

    /// Takes up what the directory holds now. Principals that are gone, or may not follow events any more, are cut off.
    @discardableResult
    func take(_ contents: ClientDirectory.Contents) -> Reloaded {
        let new = PrincipalTable(contents.files, broken: contents.broken)
        let changes = new.changes(since: table)
        // A principal that loses a key may be connected by it: all its connections are cut, and come back by another key.
        let losing = changes.changed.filter { name in
            !table.keys(of: name).isSubset(of: new.keys(of: name))
                || (table.principals[name]?.mayFollowEvents ?? false)
                    && !(new.principals[name]?.mayFollowEvents ?? false)
        }
        let isNews = !changes.isEmpty || new.broken != table.broken
        table = new
        latest = nil
        if isNews { audit.reloaded(changes, broken: new.broken) }
        return Reloaded(changes: changes, cut: cut(Set(changes.removed + losing)))
    }

    /// Ends the connections of principals with a key that has expired. Which of its keys a connection came in by is not
    /// known: one with another key comes back.
    func expire(at second: Int64) {
        let now = table.grants.filter { $0.value.expires.map { $0 <= second } ?? false }
        let news = now.filter { !expired.contains($0.key) }
        expired = Set(now.keys)
        cut(Set(news.values.map(\.principal.name)))
    }

    @discardableResult
    private func cut(_ principals: Set<String>) -> Int {
        guard !principals.isEmpty else { return 0 }
        let count = revoke(principals)
        audit.cut(principals, count)
        return count
    }
}

extension Failure {
    /// The key of a principal has expired.
    fileprivate static func keyExpired(_ name: String) -> Failure {
        Failure(.unauthenticated, "the key of \(name) has expired; ask this host's operator for a new one")
    }

    /// A role does not allow a method.
    fileprivate static func notAllowed(_ method: Method, _ role: Role, _ needed: Role) -> Failure {
        Failure(
            .permissionDenied,
            "\(method.rawValue) needs the role \(needed.rawValue), and your key has the role \(role.rawValue)")
    }
}
