import Foundation
import Synchronization
import Testing

@testable import windlass

/// What a worker's compute systems are marked with.
struct OwnerTagTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("owner-\(UUID().uuidString)")
        .path

    @Test func staysWithItsFolderAndIsNoOthers() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tag = try OwnerTag.read(stateDirectory: folder + "/a")
        #expect(tag.hasPrefix("windlass:") && tag.count == "windlass:".count + 36)
        #expect(try OwnerTag.read(stateDirectory: folder + "/a") == tag)
        #expect(try OwnerTag.read(stateDirectory: folder + "/b") != tag)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/a") == ["owner"])
    }

    @Test func isTheSameForAllWhoAskAtOnce() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let tags = Mutex<Set<String>>([])
        let folder = folder
        DispatchQueue.concurrentPerform(iterations: 16) { _ in
            let tag = try? OwnerTag.read(stateDirectory: folder)
            tags.withLock { _ = $0.insert(tag ?? "") }
        }
        #expect(tags.withLock { $0 } == [try OwnerTag.read(stateDirectory: folder)])
    }

    @Test func aFileThatHoldsSomethingElseIsNamedAndLeftAlone() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try "windlass".write(toFile: folder + "/owner", atomically: true, encoding: .utf8)
        let error = #expect(throws: ConfigurationError.self) { try OwnerTag.read(stateDirectory: folder) }
        #expect(error?.description.contains(folder + "/owner") == true)
        #expect(try String(contentsOfFile: folder + "/owner", encoding: .utf8) == "windlass")
    }
}
