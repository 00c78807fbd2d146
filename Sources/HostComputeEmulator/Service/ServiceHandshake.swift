import MessagePack

/// What both ends of a connection say first: the client the version that it speaks, the service its own and its root.
struct ServiceHandshake: Sendable {
    /// The version of the messages; another one is not understood.
    static let version: UInt64 = 1
    private static let name = "windlass-hcs-emulator"

    var version = ServiceHandshake.version
    /// The service's root folder, absolute; a client has none.
    var root = ""

    init(root: String = "") { self.root = root }

    /// Nil for what is no handshake.
    init?(_ body: [UInt8]) {
        guard let fields = try? Reader().value(body).array, fields.count == 3,
            fields[0].string == ServiceHandshake.name, let version = fields[1].unsigned, let root = fields[2].string
        else { return nil }
        self.version = version
        self.root = root
    }

    var body: [UInt8] {
        let writer = Writer()
        writer.array(3)
        writer.string(ServiceHandshake.name)
        writer.unsigned(version)
        writer.string(root)
        return writer.bytes
    }
}
