import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack
import Testing

@testable import windlass

/// What `restart` keeps of a container that it removes.
struct RestartTests {
    @Test func theParametersOfTheNewContainer() throws {
        let web = try #require(ContainerID("web"))
        let record: Value = [
            "id": "web", "state": "running", "spec": ["process": ["args": ["a"]]], "profile": "small", "stdin": true,
            "labels": ["a": "b"], "pid": 7,
        ]
        #expect(
            try RestartCommand.parameters(of: record, web) == [
                "spec": ["process": ["args": ["a"]]], "profile": "small", "stdin": true, "labels": ["a": "b"],
            ])
        #expect(throws: Failure.self) { try RestartCommand.parameters(of: ["id": "web"], web) }
    }

    @Test func notesAreKeptUntilTheyAreRemoved() throws {
        let home = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: home) }
        let environment = ["XDG_CONFIG_HOME": home, "HOME": home]
        let notes = RestartNotes(endpoint: "tcp://h:1", environment: environment)
        let web = try #require(ContainerID("web"))
        #expect(try notes.read(web) == nil)
        try notes.write(web, ["spec": ["a": .binary([1, 2])]])
        #expect(try notes.read(web) == ["spec": ["a": .binary([1, 2])]])
        #expect(try RestartNotes(endpoint: "tcp://h:2", environment: environment).read(web) == nil)
        notes.remove(web)
        #expect(try notes.read(web) == nil)
    }
}
