import ContainerModel
import ContainerProtocol
import Logging
import ZeroMQ

/// The log of who came in, who did not, and what they did: lines with `log=audit`. Keys appear as fingerprints only. On the
/// loop only.
///
/// What peers of this host do is logged at `debug`: they may do it all, and they are many.
struct AuditLog {
    private let logger: Logger
    private var refusedInSecond = 0
    private var suppressed = 0
    private var second = ContinuousClock.now

    /// Refusals that are logged in a second; of more, the number.
    private static let refusalsPerSecond = 10

    init(_ logger: Logger) {
        var logger = logger
        logger[metadataKey: "log"] = "audit"
        self.logger = logger
    }

    private func write(_ message: Logger.Message, _ principal: Principal?, _ metadata: Logger.Metadata) {
        logger.log(level: principal?.isLocal ?? false ? .debug : .notice, message, metadata: metadata)
    }

    /// A peer has come in.
    func accepted(_ principal: Principal, _ request: HandshakeRequest) {
        write(
            "accepted", principal,
            [
                "principal": "\(principal.name)", "role": "\(principal.role.rawValue)",
                "key": "\(request.key?.fingerprint ?? "")", "address": "\(request.address)",
                "socket": "\(request.domain)",
            ])
    }

    /// A peer has been refused.
    mutating func refused(_ reason: Refusal, _ request: HandshakeRequest, at now: ContinuousClock.Instant) {
        if now - second >= .seconds(1) {
            if suppressed > 0 { write("refused", nil, ["reason": "as before", "count": "\(suppressed)"]) }
            (second, refusedInSecond, suppressed) = (now, 0, 0)
        }
        guard refusedInSecond < AuditLog.refusalsPerSecond else {
            suppressed += 1
            return
        }
        refusedInSecond += 1
        write(
            "refused", nil,
            [
                "reason": "\(reason.rawValue)", "key": "\(request.key?.fingerprint ?? "")",
                "address": "\(request.address)", "socket": "\(request.domain)",
            ])
    }

    /// A principal asked for what its role does not allow.
    func denied(_ principal: Principal, _ method: Method, needs: String) {
        write(
            "denied", principal,
            [
                "principal": "\(principal.name)", "role": "\(principal.role.rawValue)", "method": "\(method.rawValue)",
                "needs": "\(needs)",
            ])
    }

    /// What a request that changes something came to.
    func did(
        _ principal: Principal, _ method: Method, _ id: ContainerID?, requestID: String?, _ failure: Failure.Code?
    ) {
        var metadata: Logger.Metadata = [
            "principal": "\(principal.name)", "method": "\(method.rawValue)",
            "result": "\(failure?.rawValue ?? "ok")",
        ]
        if let id { metadata["id"] = "\(id)" }
        if let requestID { metadata["request_id"] = "\(requestID)" }
        write("did", principal, metadata)
    }

    /// The clients' files have been read again.
    func reloaded(_ changes: PrincipalTable.Changes, broken: [String: String]) {
        let names = { (names: [String]) in Logger.MetadataValue.string(names.sorted().joined(separator: ",")) }
        write(
            "keys_reloaded", nil,
            [
                "added": names(changes.added), "removed": names(changes.removed), "changed": names(changes.changed),
                "broken": names(Array(broken.keys)),
            ])
    }

    /// Connections of a principal have been cut.
    func cut(_ principals: Set<String>, _ count: Int) {
        write(
            "cut", nil, ["principal": "\(principals.sorted().joined(separator: ","))", "connections": "\(count)"])
    }
}
