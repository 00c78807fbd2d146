import MessagePack

/// The first message of both ends of a connection. The client sends its protocol version; the service sends its own,
/// its root and its program.
struct ServiceHandshake: Sendable {
    /// The version of the messages; any other is refused. The handshake itself only ever grows at its end, so both
    /// sides can always read the other's version.
    static let version: UInt64 = 2
    private static let name = "windlass-hcs-emulator"

    var version = ServiceHandshake.version
    /// The service's root folder, absolute; a client has none.
    var root = ""
    /// What the service calls its program, as `windlass 1.2.0`; empty for a client, and for services of version 1.
    var program = ""

    init(root: String = "", program: String = "") {
        self.root = root
        self.program = program
    }

    /// Nil for what is no handshake.
    init?(_ body: [UInt8]) {
        guard let fields = try? Reader().value(body).array, fields.count >= 3,
            fields[0].string == ServiceHandshake.name, let version = fields[1].unsigned, let root = fields[2].string
        else { return nil }
        self.version = version
        self.root = root
        program = fields.dropFirst(3).first?.string ?? ""
    }

    var body: [UInt8] {
        let writer = Writer()
        // Version 1 knows three fields and no others.
        writer.array(program.isEmpty ? 3 : 4)
        writer.string(ServiceHandshake.name)
        writer.unsigned(version)
        writer.string(root)
        if !program.isEmpty { writer.string(program) }
        return writer.bytes
    }
}
