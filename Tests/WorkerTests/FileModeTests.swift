import Foundation
import Testing

@testable import Worker

/// Permissions of files.
struct FileModeTests {
    @Test(arguments: [("0660", 0o660), ("600", 0o600), ("0777", 0o777), ("000", 0)] as [(String, UInt16)])
    func octalDigitsAreRead(_ text: String, _ bits: UInt16) { #expect(FileMode(text) == FileMode(bits)) }

    @Test(arguments: ["", "6", "66", "0o660", "1777", "888", "+660", "-660", "rw-", " 660"])
    func anythingElseIsNot(_ text: String) { #expect(FileMode(text) == nil) }

    @Test func fourDigitsAreWritten() {
        #expect(FileMode(0o660).description == "0660")
        #expect(FileMode(0).description == "0000")
    }

    @Test func theyAreGivenWhateverTheUmaskWas() throws {
        let path = NSTemporaryDirectory() + "windlass-mode-\(UUID().uuidString)"
        try Data().write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileMode(0o606).apply(to: path)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o606)
        #expect(throws: FileMode.Refusal.self) { try FileMode(0o600).apply(to: path + "-absent") }
    }
}
