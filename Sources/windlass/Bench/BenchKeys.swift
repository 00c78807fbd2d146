import Baselines
import Foundation
import Worker
import ZeroMQ

/// Keys of a worker and of a client, for a benchmark.
final class BenchKeys {
    let server: CurveKeyPair
    let client: CurveKeyPair
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "windlass-bench-keys-\(UUID().uuidString)")

    init() throws {
        (server, client) = (try CurveKeyPair(), try CurveKeyPair())
        try FileManager.default.createDirectory(
            atPath: clientsDirectory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        try KeyFile.write(
            Certificate(publicKey: server.publicKey, secretKey: server.secretKey).text, to: serverKey, .secretKey,
            mayReplace: false)
        try KeyFile.write(
            Certificate(publicKey: client.publicKey, metadata: ["role": "admin"]).text,
            to: clientsDirectory + "/bench.key", .publicKey, mayReplace: false)
    }

    var serverKey: String { folder.path + "/server.key_secret" }
    var clientsDirectory: String { folder.path + "/clients" }

    /// A worker's arguments.
    var arguments: [String] { ["--server-key", serverKey, "--clients-dir", clientsDirectory] }
    /// A worker's environment: the limits are not what is measured.
    var environment: [String: String] {
        ["WINDLASS_MAX_HANDSHAKES_PER_SECOND": "1000000", "WINDLASS_MAX_PRINCIPAL_CONNECTIONS": "1000"]
    }

    /// Has the loads of `body` use the keys.
    func using<Result>(_ body: () throws -> Result) rethrows -> Result {
        baseline_secure(server.publicKey.z85, client.publicKey.z85, client.secretKey.z85)
        defer { baseline_secure(nil, nil, nil) }
        return try body()
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}
