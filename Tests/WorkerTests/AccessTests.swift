import ContainerProtocol
import Logging
import MessagePack
import Testing
import ZeroMQ

@testable import Worker

/// Who may come in, and what they may do: the decisions, without a socket.
struct AccessTests {
    private static let now = ContinuousClock.now

    private func access(_ change: (inout WorkerConfiguration.Access) -> Void = { _ in }) -> Access {
        var settings = WorkerConfiguration.Access()
        change(&settings)
        return Access(settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func key(_ number: UInt8) throws -> CurveKey {
        try #require(CurveKey(bytes: [UInt8](repeating: number, count: 32)))
    }

    private func file(_ name: String, _ number: UInt8, _ metadata: [String: String]) throws -> ClientFile {
        try ClientFile(fileName: name, Certificate(publicKey: try key(number), metadata: metadata).text)
    }

    private func contents(_ files: ClientFile...) -> ClientDirectory.Contents {
        ClientDirectory.Contents(files: files)
    }

    private func handshake(_ domain: String, key number: UInt8?, address: String = "10.0.0.1") throws
        -> HandshakeRequest
    {
        let texts = ["1.0", "1", domain, address, "", number == nil ? "NULL" : "CURVE"]
        var frames = texts.map { Array($0.utf8) }
        if let number { frames.append(try key(number).bytes) }
        return try #require(HandshakeRequest(frames))
    }

    /// The name of the principal that is let in, or the reason why none is.
    private func outcome(
        _ access: Access, _ request: HandshakeRequest, second: Int64 = 0, connections: Int = 0
    ) -> String {
        switch access.decide(request, at: AccessTests.now, second: second, connections: { _ in connections }) {
        case .accepted(let principal): principal.name
        case .refused(let reason): reason.rawValue
        }
    }

    // MARK: Handshakes

    @Test func aKeyComesInUnderItsFilesName() throws {
        let access = access()
        access.take(contents(try file("web.key", 1, ["role": "scheduler"])))
        #expect(outcome(access, try handshake("windlass.commands", key: 1)) == "web")
        #expect(outcome(access, try handshake("windlass.events", key: 1)) == "web")
        #expect(outcome(access, try handshake("windlass.commands", key: 2)) == "unknown_key")
    }

    @Test func aKeyOpensNoSocketOfAnotherKind() throws {
        let access = access()
        access.take(contents(try file("web.key", 1, ["role": "admin"])))
        #expect(outcome(access, try handshake("windlass.commands", key: nil)) == "mechanism")
        #expect(outcome(access, try handshake("windlass.local", key: 1)) == "mechanism")
        #expect(outcome(access, try handshake("elsewhere", key: 1)) == "mechanism")
        #expect(outcome(access, try handshake("", key: nil)) == "mechanism")
    }

    @Test func anEmptyDirectoryLetsNobodyIn() throws {
        #expect(outcome(access(), try handshake("windlass.commands", key: 1)) == "unknown_key")
    }

    @Test func anExpiredKeyIsRefused() throws {
        let access = access()
        access.take(contents(try file("web.key", 1, ["role": "admin", "expires": "1970-01-01T00:01:40Z"])))
        #expect(outcome(access, try handshake("windlass.commands", key: 1), second: 99) == "web")
        #expect(outcome(access, try handshake("windlass.commands", key: 1), second: 100) == "expired")
    }

    @Test func eventsCanBeKeptFromAKey() throws {
        let access = access()
        access.take(contents(try file("web.key", 1, ["role": "observer", "events": "no"])))
        #expect(outcome(access, try handshake("windlass.commands", key: 1)) == "web")
        #expect(outcome(access, try handshake("windlass.events", key: 1)) == "role")
    }

    @Test func aPrincipalHasSoManyConnectionsAndHandshakes() throws {
        let access = access { $0.principalConnections = 3 }
        access.take(contents(try file("web.key", 1, ["role": "observer"])))
        let request = try handshake("windlass.commands", key: 1)
        #expect(outcome(access, request, connections: 2) == "web")
        #expect(outcome(access, request, connections: 3) == "rate")
        let outcomes = (0..<10).map { _ in outcome(access, request) }
        #expect(outcomes.count { $0 == "web" } == 4 && outcomes.last == "rate")
    }

    @Test func peersOfThisHostAreLocalOrTheirUser() throws {
        let byFile = try handshake("windlass.local", key: nil, address: "localhost:1000:100:4711")
        let byPort = try handshake("windlass.local", key: nil, address: "127.0.0.1")
        #expect(outcome(access(), byFile) == "local")
        let chosen = access {
            $0.localRole = nil
            $0.localUsers = [1000: .scheduler]
        }
        #expect(outcome(chosen, byFile) == "uid:1000")
        #expect(outcome(chosen, byPort) == "role")
        #expect("uid:1000".withCString { chosen.principal($0)?.role } == .scheduler)
        #expect("local".withCString { chosen.principal($0) == nil })
    }

    // MARK: Requests

    /// What the roles allow, written out: this is the contract, and not derived from the traits that it checks.
    private static let allowed: [Role: Set<String>] = [
        .observer: [
            "ping", "version", "state", "list", "wait", "stats", "pids", "summary", "logs", "events", "snapshot",
            "health",
        ],
        .scheduler: [
            "attach", "credit", "detach", "create", "start", "exec", "pause", "resume", "restore", "update",
            "checkpoint_create", "checkpoint_delete", "checkpoint_list", "delete", "signal", "signal_process", "stop",
            "resize", "stdin",
        ],
        .admin: ["drain", "keys_list", "keys_reload"],
    ]

    @Test(arguments: Method.allCases, Role.allCases)
    func aRoleMayCallItsMethodsOnly(_ method: Method, _ role: Role) throws {
        let lowest = try #require(Role.allCases.first { AccessTests.allowed[$0]?.contains(method.rawValue) ?? false })
        #expect((role >= method.traits.role) == (role >= lowest))
    }

    private func request(_ method: String, _ parameters: Value.Map) throws -> Request {
        let writer = Writer()
        writer.value([0, 7, .string(method), .array([.map(parameters)])])
        return try writer.withBytes { try Reader().read($0) { try Request($0) } }
    }

    @Test func whatARoleDoesNotAllowIsDeniedByName() throws {
        let (access, observer) = (access(), Principal("watch", .observer))
        let create = try request("create", ["id": "a", "spec": [:]])
        let failure = try #require(access.refusal(of: observer, create) { 0 })
        #expect(failure.code == .permissionDenied)
        #expect(failure.message.contains("create") && failure.message.contains("scheduler"))
        #expect(failure.message.contains("observer"))
        #expect(access.refusal(of: observer, try request("list", [:])) { 0 } == nil)
        #expect(access.counters.denied == 1)
    }

    private static let program: Value = ["args": ["x"], "env": ["A=b"]]
    private static let specifications: [(Value, isAllowed: Bool)] = [
        (["process": program], true),
        (["process": ["args": ["x"], "user": ["username": "root"]]], false),
        (["process": .null], false),
        (["process": program, "mounts": []], false),
        (["hostname": "x"], false),
        (["windows": ["layerFolders": []]], false),
        (["root": .null], false),
        (["linux": [:]], false),
    ]

    @Test(arguments: specifications, [false, true])
    func profilesOnlyMeansProfilesOnly(_ specification: (Value, isAllowed: Bool), _ isDryRun: Bool) throws {
        let bound = Principal("ci", .scheduler, isBoundToProfiles: true)
        var parameters: Value.Map = ["id": "a", "profile": "base", "spec": specification.0]
        parameters["dry_run"] = .bool(isDryRun)
        let create = try request("create", parameters)
        #expect((access().refusal(of: bound, create) { 0 } == nil) == specification.isAllowed)
        parameters["profile"] = nil
        #expect(access().refusal(of: bound, try request("create", parameters)) { 0 }?.code == .permissionDenied)
    }

    @Test func profilesOnlyAllowsNoExec() throws {
        let bound = Principal("ci", .admin, isBoundToProfiles: true)
        let exec = try request("exec", ["id": "a", "process": "p", "spec": ["args": ["x"]]])
        #expect(access().refusal(of: bound, exec) { 0 }?.code == .permissionDenied)
        #expect(access().refusal(of: bound, try request("stop", ["id": "a"])) { 0 } == nil)
    }

    // MARK: Changes

    @Test func whoIsRevokedIsCutAndNobodyElse() throws {
        let access = access()
        var cut: [Set<String>] = []
        access.revoke = {
            cut.append($0)
            return 2
        }
        let (web, watch) = (
            try file("web.key", 1, ["role": "scheduler"]), try file("watch.key", 2, ["role": "observer"])
        )
        access.take(contents(web, watch))
        #expect("web".withCString { access.principal($0)?.role } == .scheduler)
        let reloaded = access.take(contents(watch))
        #expect(reloaded.changes.removed == ["web"] && reloaded.cut == 2)
        #expect(cut == [["web"]])
        #expect("web".withCString { access.principal($0) == nil })
        #expect("watch".withCString { access.principal($0) != nil })
        #expect(access.current(Principal("web", .scheduler)) == nil)
    }

    @Test func aRoleThatChangesHoldsFromTheNextRequest() throws {
        let access = access()
        access.revoke = { _ in
            Issue.record("nobody lost a key")
            return 0
        }
        access.take(contents(try file("web.key", 1, ["role": "scheduler"])))
        let before = try #require("web".withCString { access.principal($0) })
        access.take(contents(try file("web.key", 1, ["role": "observer"])))
        #expect(access.current(before)?.role == .observer)
        #expect("web".withCString { access.principal($0)?.role } == .observer)
    }

    @Test func whoLosesAKeyOrItsEventsIsCut() throws {
        let access = access()
        var cut: [Set<String>] = []
        access.revoke = {
            cut.append($0)
            return 0
        }
        let (first, second) = (
            try file("web.key", 1, ["role": "scheduler"]), try file("web+2.key", 2, ["role": "scheduler"])
        )
        access.take(contents(first))
        access.take(contents(first, second))
        #expect(cut.isEmpty, "a further key harms none")
        access.take(contents(second))
        #expect(cut == [["web"]])
        access.take(contents(try file("web+2.key", 2, ["role": "scheduler", "events": "no"])))
        #expect(cut == [["web"], ["web"]])
    }

    @Test func whoseKeyExpiresIsCutOnce() throws {
        let access = access()
        var cut: [Set<String>] = []
        access.revoke = {
            cut.append($0)
            return 0
        }
        access.take(contents(try file("web.key", 1, ["role": "admin", "expires": "1970-01-01T00:01:40Z"])))
        for second: Int64 in [50, 99, 100, 101, 200] { access.expire(at: second) }
        #expect(cut == [["web"]])
        let web = try #require("web".withCString { access.principal($0) })
        #expect(access.refusal(of: web, try request("ping", [:])) { 100 }?.code == .unauthenticated)
    }
}
