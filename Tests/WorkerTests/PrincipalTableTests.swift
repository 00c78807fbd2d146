import Foundation
import Testing
import ZeroMQ

@testable import Worker

/// The files of those who may come in.
struct PrincipalTableTests {
    private func text(_ number: UInt8, _ metadata: [String: String] = ["role": "observer"]) throws -> String {
        let key = try #require(CurveKey(bytes: [UInt8](repeating: number, count: 32)))
        return Certificate(publicKey: key, metadata: metadata).text
    }

    /// Makes a directory with files, and reads it.
    private func table(_ files: [String: String], _ change: (String) throws -> Void = { _ in }) throws -> PrincipalTable
    {
        let path = NSTemporaryDirectory() + "windlass-clients-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (name, text) in files {
            try text.write(toFile: path + "/" + name, atomically: false, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path + "/" + name)
        }
        try change(path)
        let contents = ClientDirectory(path).read()
        return PrincipalTable(contents.files, broken: contents.broken)
    }

    @Test func brokenFilesDisableTheirPrincipalOnly() throws {
        let secret = try CurveKeyPair()
        let table = try table([
            "good.key": try text(1), "garbage.key": "garbage", "role.key": try text(2, ["role": "root"]),
            "without.key": try text(3, [:]), "when.key": try text(4, ["role": "admin", "expires": "soon"]),
            "who knows.key": try text(5), "local.key": try text(6), "notes.txt": "no key",
            "secret.key":
                Certificate(publicKey: secret.publicKey, secretKey: secret.secretKey, metadata: ["role": "admin"]).text,
            "events.key": try text(7, ["role": "admin", "events": "perhaps"]),
        ])
        #expect(table.principals.keys.sorted() == ["good"])
        #expect(
            table.broken.keys.sorted() == [
                "events.key", "garbage.key", "local.key", "role.key", "secret.key", "when.key", "who knows.key",
                "without.key",
            ])
    }

    @Test func theSameKeyInTwoFilesIsNobodys() throws {
        let table = try table(["a.key": try text(1), "b.key": try text(1), "c.key": try text(2)])
        #expect(table.principals.keys.sorted() == ["c"])
        #expect(table.broken["a.key"]?.contains("b.key") ?? false)
    }

    @Test func aPrincipalMayHaveSeveralKeysWithOneSetOfRights() throws {
        let table = try table([
            "a.key": try text(1, ["role": "scheduler"]), "a+2.key": try text(2, [:]),
            "a+3.key": try text(3, ["role": "admin"]),
        ])
        #expect(table.principals["a"]?.role == .scheduler || table.principals["a"]?.role == .admin)
        #expect(table.grants.count == 2 && table.broken.count == 1, "one of two roles is refused")
    }

    #if !os(Windows)
        @Test func whatOthersMayWriteProvesNothing() throws {
            let file = try table(["a.key": try text(1), "b.key": try text(2)]) { path in
                try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path + "/a.key")
            }
            #expect(file.principals.keys.sorted() == ["b"])
            #expect(file.broken["a.key"]?.contains("chmod go-w") ?? false)
            let folder = try table(["a.key": try text(1)]) { path in
                try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
            }
            #expect(folder.principals.isEmpty && folder.broken["."] != nil)
        }

        /// A pipe, a directory and a device in the place of a file: none of them stops the reader.
        @Test func whatIsNoFileIsNotRead() throws {
            let table = try table(["a.key": try text(1)]) { path in
                #expect(mkfifo(path + "/pipe.key", 0o600) == 0)
                #expect(mkdir(path + "/folder.key", 0o700) == 0)
                #expect(symlink("/dev/zero", path + "/device.key") == 0)
                #expect(symlink("nowhere", path + "/dangling.key") == 0)
            }
            #expect(table.principals.keys.sorted() == ["a"])
            #expect(table.broken.keys.sorted() == ["dangling.key", "device.key", "folder.key", "pipe.key"])
        }
    #endif

    @Test func aMissingDirectoryIsReported() {
        let contents = ClientDirectory("/nowhere/at/all").read()
        #expect(contents.files.isEmpty && contents.broken["."] != nil)
    }
}
