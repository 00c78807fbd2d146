import ContainerModel
import ContainerProtocol
import Foundation
import Testing

@testable import windlass

/// The paths and archives of `cp`.
struct CopyTests {
    @Test func places() throws {
        let web = try #require(ContainerID("web"))
        #expect(CopyPlace(argument: "web:/etc") == .container(web, "/etc"))
        #expect(CopyPlace(argument: "web:") == .container(web, "/"))
        #expect(CopyPlace(argument: "./web:x") == .local("./web:x"))
        #expect(CopyPlace(argument: "/a/b") == .local("/a/b"))
        #expect(CopyPlace(argument: #"C:\x"#) == .local(#"C:\x"#))
        #expect(CopyPlace(argument: "-") == .stream)
    }

    @Test(arguments: [
        ("/etc/hosts", "/etc", "hosts", false, false), ("/etc/", "/", "etc", true, false),
        ("/etc/.", "/", "etc", true, true),
        ("a", ".", "a", false, false), ("a/b", "a", "b", false, false), ("/", "/", ".", true, true),
        (".", ".", ".", true, true),
    ])
    func paths(_ text: String, _ folder: String, _ name: String, _ mustBeFolder: Bool, _ isContents: Bool) {
        let path = CopyPath(text)
        #expect(path.folder == folder)
        #expect(path.name == name)
        #expect(path.mustBeFolder == mustBeFolder)
        #expect(path.isContents == isContents)
    }

    #if !os(Windows)
        /// The system's tar reads the header, with a long name and without.
        @Test(arguments: ["new name", String(repeating: "long-", count: 40)])
        func aHeaderIsReadByTar(_ name: String) throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let content = Array("content".utf8)
            let header = TarHeader(name: name, size: UInt64(content.count), mode: 0o640, modified: 1_000_000_000)
            let tar = try LocalTar(["-C", folder.path, "-xf", "-"])
            try tar.write(header.bytes + content + TarHeader.padding(after: header.size) + TarHeader.end)
            try tar.finish()
            let file = folder.appendingPathComponent(name)
            #expect(try Data(contentsOf: file) == Data(content))
            let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o640)
            #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_000_000_000)
        }

        @Test func aTarThatFailsSaysWhy() throws {
            let tar = try LocalTar(["-C", "/", "-cf", "-", "there/is/no/such"])
            let failure = #expect(throws: Failure.self) { try tar.finish() }
            #expect(failure?.message.contains("there/is/no/such") == true)
        }
    #endif
}
