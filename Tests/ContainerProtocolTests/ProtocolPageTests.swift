import ContainerModel
import Foundation
import MessagePack
import TestSupport
import Testing

@testable import ContainerProtocol

/// The tables of Protocol.md are the code's: nothing is missing from them, and nothing stands there that is not built.
struct ProtocolPageTests {
    private typealias Method = ContainerProtocol.Method

    private let page: MarkdownPage

    init() throws { page = try MarkdownPage("Sources/ContainerProtocol/Documentation.docc/Protocol.md") }

    // MARK: Methods

    /// The least that each method is read with.
    private static func least(_ method: Method) -> Value.Map {
        switch method {
        case .ping, .version, .health, .list, .snapshot, .events, .stats, .drain, .keysList, .keysReload: [:]
        case .exec: ["id": "a", "process": "p", "spec": [:]]
        case .signal: ["id": "a", "signal": 9]
        case .signalProcess: ["id": "a", "process": "p", "signal": 9]
        case .resize: ["id": "a", "width": 80, "height": 25]
        case .update: ["id": "a", "resources": [:]]
        case .checkpointCreate, .checkpointDelete: ["id": "a", "checkpoint": "c"]
        case .credit: ["id": "a", "bytes": 1]
        case .stdin: ["id": "a", "data": .binary([])]
        default: ["id": "a"]
        }
    }

    private func isAccepted(_ method: Method, _ parameters: Value.Map) -> Bool {
        let writer = Writer()
        writer.value([0, 7, .string(method.rawValue), [.map(parameters)]])
        return (try? writer.withBytes { try Reader().read($0) { try Request($0) } }) != nil
    }

    /// Every name that stands in the decoder: keys are `StaticString`s, and so literals.
    private static func literals() throws -> Set<String> {
        var names: Set<String> = []
        let folder = MarkdownPage.checkout.appendingPathComponent("Sources/ContainerProtocol")
        for file in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        where file.pathExtension == "swift" {
            let source = try String(contentsOf: file, encoding: .utf8)
            for match in source.matches(of: /"([a-z_]+)"/) { names.insert(String(match.1)) }
        }
        return names
    }

    /// The names in `cell` and whether each is required.
    private func parameters(_ cell: String) -> [String: Bool] {
        var names: [String: Bool] = [:]
        for match in cell.matches(of: /`([a-z_]+)`(\??)/) { names[String(match.1)] = match.2.isEmpty }
        return names
    }

    @Test func everyMethodWithItsLaneAndRole() {
        let rows = page.table("Methods")
        #expect(page.names("Methods").sorted() == Method.allCases.map(\.rawValue).sorted())
        for row in rows {
            guard let method = Method(rawValue: row[0].replacing("`", with: "")) else { continue }
            #expect(row[2] == "\(method.traits.lane)" && row[3] == method.traits.role.rawValue, "\(method)")
        }
    }

    @Test func everyParameterOfEveryMethod() throws {
        let common = parameters(page.table("Parameters of every request").map { $0[0] }.joined())
        #expect(!common.isEmpty && !common.values.contains(true))
        var all: Set<String> = []
        for row in page.table("Methods") {
            guard let method = Method(rawValue: row[0].replacing("`", with: "")) else { continue }
            let least = Self.least(method)
            #expect(isAccepted(method, least), "\(method) with its least")
            let documented = parameters(row[1])
            all.formUnion(documented.keys)
            for name in try Self.literals().union(documented.keys).union(common.keys) {
                // Nil is absence: it is accepted where the decoder asks for the key.
                let isKnown = isAccepted(method, least.merging([name: least[name] ?? .null]) { $1 })
                #expect(isKnown == (documented[name] != nil || common[name] != nil), "\(name) of \(method)")
            }
            for name in documented.keys {
                var without = least
                without[name] = nil
                #expect(isAccepted(method, without) != documented[name], "\(name)? of \(method)")
            }
        }
        #expect(Set(parameters(page.table("Parameters").map { $0[0] }.joined(separator: " ")).keys) == all)
    }

    // MARK: Errors and events

    @Test func everyCode() {
        #expect(page.names("Codes").sorted() == Failure.Code.allCases.map(\.rawValue).sorted())
    }

    /// A `details` key is a literal behind `details`, or behind `["` where the details are made.
    @Test func everyKeyOfDetails() throws {
        var keys: Set<String> = []
        for target in ["ContainerProtocol", "Worker"] {
            let folder = MarkdownPage.checkout.appendingPathComponent("Sources/\(target)")
            for case let file as URL in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
                ?? .init()
            where file.pathExtension == "swift" {
                let source = try String(contentsOf: file, encoding: .utf8)
                for match in source.matches(of: /[dD]etails(?:: Value\.Map = |: |)\[("[^\n]*)/) {
                    for key in match.1.matches(of: /"([a-z_]+)"(?::|\])/) { keys.insert(String(key.1)) }
                }
            }
        }
        #expect(keys == Set(page.names("Details")))
    }

    @Test func everyTypeOfEvent() {
        #expect(page.names("Types").sorted() == Event.Kind.allCases.map(\.rawValue).sorted())
    }

    @Test func everyStateReasonAndObserver() throws {
        #expect(page.names("States").sorted() == ContainerRecord.State.allCases.map(\.rawValue).sorted())
        #expect(page.names("Reasons").sorted() == Exit.Reason.allCases.map(\.rawValue).sorted())
        let row = try #require(page.table("Exit").first { $0[0] == "`observed_by`" })
        let observers = row[2].matches(of: /`([a-z]+)`/).map { String($0.1) }
        #expect(observers.sorted() == Exit.Observer.allCases.map(\.rawValue).sorted())
    }

    // MARK: Fields

    private func keys(_ encodable: some WireEncodable) throws -> Set<String> {
        let writer = Writer()
        encodable.encode(to: writer)
        return Set(try #require(try Reader().value(writer.bytes).map).keys)
    }

    /// Compares a table's first column with what is encoded.
    /// - Parameters:
    ///   - full: has everything that it can have.
    ///   - least: has nothing that it can do without.
    private func compare(_ heading: String, full: some WireEncodable, least: some WireEncodable) throws {
        for (name, value) in Mirror(reflecting: full).children {
            let value = Mirror(reflecting: value)
            #expect(value.displayStyle != .optional || value.children.count == 1, "\(name ?? "") of \(heading) is set")
        }
        let (all, always) = (try keys(full), try keys(least))
        let documented = page.names(heading).map { name in (name.filter { $0 != "?" }, name.hasSuffix("?")) }
        #expect(documented.map(\.0).sorted() == all.sorted(), "\(heading)")
        #expect(documented.filter { !$0.1 }.map(\.0).sorted() == always.sorted(), "\(heading): what has a ?")
    }

    private let exit = Exit(code: 3, reason: .exited, at: .epoch, observedBy: .driver)

    @Test func everyFieldOfARecord() throws {
        let id = try #require(ContainerID("a"))
        var record = ContainerRecord(id: id, createdAt: .epoch)
        let least = record
        record.pid = 7
        record.startedAt = .epoch
        record.exit = exit
        record.imageLayers = ["l"]
        record.stuck = "start"
        record.isAutoRemoved = true
        record.lostHolds = [.initial]
        try compare("Record", full: record, least: least)
        var process = ContainerRecord.Process(pid: 8)
        let running = process
        process.exit = exit
        try compare("Process", full: process, least: running)
        try compare("Exit", full: exit, least: exit)
    }

    @Test func everyFieldOfAnEvent() throws {
        let least = Event(.create, at: .epoch)
        var event = Event(.exit, ContainerID("a"), at: .epoch)
        event.process = .initial
        event.pid = 7
        event.exit = exit
        event.isUpdatePending = false
        event.state = .stopped
        event.requestID = "r"
        event.traceparent = "t"
        event.labels = ["k": "v"]
        event.operation = "start"
        try compare("Fields", full: event, least: least)
    }

    @Test func everyFieldOfAnError() throws {
        let failure = Failure(.internal, "m", details: ["pending": true])
        try compare("Errors", full: failure.value, least: Failure(.internal, "m").value)
    }
}
