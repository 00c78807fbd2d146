import MessagePack
import Testing

@testable import windlass

/// What `version` says of two protocols.
struct VersionTests {
    @Test func protocolsAreCompared() {
        #expect(VersionCommand.remark(on: 1) == nil)
        #expect(VersionCommand.remark(on: 2)?.contains("use a newer windlass here") == true)
        #expect(VersionCommand.remark(on: 0)?.contains("use a newer worker") == true)
        #expect(VersionCommand.remark(on: nil) != nil)
    }

    @Test func linesAreForPeople() {
        let worker: Value = [
            "version": "2.0", "protocol": 2, "host": "h\u{1B}", "os": "linux", "arch": "x86_64", "epoch": 3,
            "driver": ["name": "oci", "version": "1"], "capabilities": ["exec", "pause"], "profiles": ["web"],
        ]
        let lines = VersionCommand.lines(worker)
        #expect(lines.contains("worker   2.0, protocol 2 (not the same)"))
        #expect(lines.contains(#"host     h\u{1b}, linux/x86_64, epoch 3"#))
        #expect(lines.contains("profiles web"))
    }
}
