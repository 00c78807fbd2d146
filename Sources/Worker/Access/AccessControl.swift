import ContainerModel
import ContainerProtocol
import Foundation
import Logging
import MessagePack
import Threads
import ZeroMQ

/// Keeps access up to date: reads the clients' files and the server's key again when they change, and cuts off who may not
/// come in any more. On the loop only; files are read on a thread of its own.
final class AccessControl {
    private let access: Access
    private let settings: WorkerConfiguration.Access
    private let directory: ClientDirectory
    private let loop: SocketLoop
    private let logger: Logger
    private let commands: CommandSockets
    private let events: EventPublisher
    private let requests: Requests
    /// Reads files; nil where the system has no thread to give, and then where the loop is.
    private let reader = WorkThread("access")
    private(set) var serverKey: CurveKeyPair?
    /// The key that is to follow, which clients may learn beforehand.
    private var nextKey: CurveKey?
    private var isLooking = false
    private var isClosed = false
    private var seen = Seen()
    /// Why the server's key could not be read the last time.
    private var keyTrouble: String?

    /// What the files looked like when they were read.
    private struct Seen: Sendable {
        var clients = ClientDirectory.Signature()
        var serverKey: [FileSignature] = []
    }

    /// Between looks at the files.
    private static let interval = Duration.seconds(2)

    init(
        _ access: Access, _ settings: WorkerConfiguration.Access, serverKey: CurveKeyPair?, _ commands: CommandSockets,
        _ events: EventPublisher, _ requests: Requests, on loop: SocketLoop, logger: Logger
    ) {
        self.access = access
        self.settings = settings
        self.serverKey = serverKey
        self.loop = loop
        self.logger = logger
        self.commands = commands
        self.events = events
        self.requests = requests
        directory = ClientDirectory(settings.clientsDirectory)
        access.revoke = { [unowned self] in cut($0) }
    }

    /// Whether other hosts may come in at all.
    var isOpen: Bool { serverKey != nil }

    /// Reads the clients' files, before anyone is served, and looks at them again from time to time.
    func start() {
        guard isOpen else { return }
        seen.clients = directory.signature
        access.take(directory.read())
        lookLater()
    }

    func close() { isClosed = true }

    // MARK: Looking

    private func lookLater() {
        loop.schedule(after: AccessControl.interval) { [weak self] in
            guard let self, !isClosed else { return }
            access.expire(at: loop.timestamp.seconds)
            connections.cutSilent()
            if !isLooking {
                isLooking = true
                look(isForced: false) { [weak self] _ in self?.isLooking = false }
            }
            lookLater()
        }
    }

    /// Reads everything again now.
    /// - Parameter done: gets what became other; nil where no other host can come in.
    func reload(_ done: @escaping (Access.Reloaded?) -> Void) {
        guard isOpen else { return done(nil) }
        look(isForced: true, done)
    }

    /// What a look has found.
    private struct Found: Sendable {
        var seen: Seen
        /// Nil where nothing has changed.
        var contents: ClientDirectory.Contents?
        var keys: ServerKeys?
    }

    /// What was read of the worker's own keys.
    private struct ServerKeys: Sendable {
        var key: Result<CurveKeyPair, Worker.StartFailure>
        var next: CurveKey?

        /// Reads them; a next key that is not there, or cannot be used, is none.
        init(_ path: String) {
            key = Result { () throws(Worker.StartFailure) in try ServerKey.read(path) }
            next = try? ServerKey.read(ServerKey.next(to: path)).publicKey
        }
    }

    private func look(isForced: Bool, _ done: @escaping (Access.Reloaded?) -> Void) {
        let (directory, seen, path) = (directory, seen, settings.serverKey)
        let box = LoopBound((self, done), to: loop)
        let work: @Sendable () -> Void = { [loop] in
            // The signatures come first: what changes while the files are read is found the next time.
            let files = path.map { [FileSignature($0), FileSignature(ServerKey.next(to: $0))] } ?? []
            var found = Found(seen: Seen(clients: directory.signature, serverKey: files))
            if isForced || found.seen.clients != seen.clients { found.contents = directory.read() }
            if let path, isForced || found.seen.serverKey != seen.serverKey { found.keys = ServerKeys(path) }
            loop.post { [found] in
                let (control, done) = box.value
                done(control.take(found))
            }
        }
        if let reader { reader.run(work) } else { work() }
    }

    private func take(_ found: Found) -> Access.Reloaded? {
        guard !isClosed else { return nil }
        seen = found.seen
        if let keys = found.keys { take(keys) }
        return found.contents.map { access.take($0) }
    }

    private func take(_ keys: ServerKeys) {
        nextKey = keys.next
        switch keys.key {
        case .success(let key):
            keyTrouble = nil
            guard key != serverKey else { return }
            serverKey = key
            logger.notice(
                "the server's key has changed: remote peers are cut, and come back",
                metadata: ["public_key": "\(key.publicKey.fingerprint)"])
            commands.change(key)
            events.change(key)
        case .failure(let failure):
            guard failure.description != keyTrouble else { return }
            keyTrouble = failure.description
            logger.error(
                "the server's key cannot be read again; the one before stays", metadata: ["error": "\(failure)"])
        }
    }

    private func cut(_ principals: Set<String>) -> Int {
        requests.conclude(principals)
        return connections.cut(principals)
    }

    // MARK: What operators see

    /// The principals with keys, for `keys_list`.
    var list: Value {
        let table = access.table
        let principals = table.principals.values.sorted { $0.name < $1.name }
        return [
            "principals": .array(principals.map { describe($0, table) }),
            "broken": .map(
                Value.Map(
                    uniqueKeysWithValues: table.broken.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })
            ),
            "server_keys": .array(serverKeys),
        ]
    }

    private func describe(_ principal: Principal, _ table: PrincipalTable) -> Value {
        var map: Value.Map = [
            "name": .string(principal.name), "role": .string(principal.role.rawValue),
            "keys": .array(table.keys(of: principal.name).map(\.fingerprint).sorted().map { .string($0) }),
            "events": .bool(principal.mayFollowEvents), "profiles_only": .bool(principal.isBoundToProfiles),
            "connections": .int(connections.count(of: principal.name)),
        ]
        if let expires = principal.expires, let time = Timestamp(seconds: expires, nanoseconds: 0) {
            map["expires"] = .timestamp(time)
        }
        return .map(map)
    }

    private var connections: [PeerConnections] { commands.connections + events.connections }

    /// The keys by which clients know this worker, the next one included, in Z85: for `version`.
    var serverKeys: [Value] {
        guard let current = serverKey?.publicKey else { return [] }
        let next = nextKey.flatMap { $0 == current ? nil : $0 }
        return [current, next].compactMap { $0 }.map { .string($0.z85) }
    }

    /// For `health`: nil where no other host can come in.
    var health: (isOK: Bool, message: String)? {
        guard isOpen else { return nil }
        let (table, counters) = (access.table, access.counters)
        let figures =
            "\(table.principals.count) principals may come in; \(counters.accepted) handshakes were accepted, "
            + "\(counters.refused) refused; \(counters.denied) requests were denied"
        if let keyTrouble {
            return (false, "\(keyTrouble); the key before it stays until this worker ends; \(figures)")
        }
        guard !table.broken.isEmpty else { return (true, figures) }
        let broken = table.broken.sorted { $0.key < $1.key }.prefix(8).map { "\($0.key): \($0.value)" }
        return (true, "\(figures); \(table.broken.count) key files cannot be used: \(broken.joined(separator: "; "))")
    }
}
