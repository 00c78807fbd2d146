import ContainerDriver
import ContainerModel
import ContainerProtocol
import Foundation
import Logging
import TestSupport
import Testing

@testable import Worker

/// What a worker stands on.
struct FootingTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    private func look() throws -> FootingLook {
        let path = folder.path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return FootingLook(
            stateDirectory: path, places: [try #require(FootingLook.Place(path, "the state directory"))])
    }

    @Test func aFolderThatIsThere() throws {
        let look = try look()
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(look.stateTrouble() == nil && FootingLook.descriptorTrouble() == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty, "nothing stays of a look")
    }

    @Test func aFolderThatGoes() throws {
        let look = try look()
        let aside = folder.path + ".aside"
        defer { try? FileManager.default.removeItem(atPath: aside) }
        try FileManager.default.moveItem(atPath: folder.path, toPath: aside)
        #expect(look.stateTrouble()?.message.contains("removed") == true)
        try FileManager.default.createDirectory(atPath: folder.path, withIntermediateDirectories: true)
        #expect(look.stateTrouble()?.message.contains("replaced") == true)
        try FileManager.default.removeItem(at: folder)
        try FileManager.default.moveItem(atPath: aside, toPath: folder.path)
        #expect(look.stateTrouble() == nil)
        try FileManager.default.moveItem(atPath: folder.path, toPath: aside)
    }

    @Test func whatIsRefused() throws {
        let footing = Footing(
            ScriptedDriver(), nil, on: ManualLoop(), logger: Logger(label: "test") { _ in LogLines().handler })
        #expect(footing.refusal(.create) == nil)
        footing.set(.descriptors, Footing.Trouble(.resourceExhausted, "none is free"))
        let refusal = try #require(footing.refusal(.create))
        #expect(refusal.code == .resourceExhausted && refusal.retryable && refusal.message == "none is free")
        for method in [ContainerProtocol.Method.delete, .stop, .signal, .state, .logs, .wait] {
            #expect(footing.refusal(method) == nil, "\(method)")
        }
        footing.set(.descriptors, nil)
        footing.set(.sockets, Footing.Trouble(.unavailable, "gone"))
        #expect(footing.refusal(.create) == nil, "who can ask can be served")
    }
}
