import MessagePack

/// What a request asks for, in 16 bytes: FNV-1a over its canonical encoding.
///
/// It detects a client that uses one id for two requests. It is no defence against a client that makes two requests
/// collide on purpose; that client could as well send the same request twice.
struct ContentDigest: Sendable, Hashable {
    private var value: UInt128

    /// The digest of `method` with `parameters`; the order of keys does not matter.
    init(_ method: String, _ parameters: Value) {
        let writer = Writer()
        writer.string(method)
        ContentDigest.write(parameters, to: writer)
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        let prime: UInt128 = 0x0000_0000_0100_0000_0000_0000_0000_013b
        writer.withBytes { bytes in
            for byte in bytes { hash = (hash ^ UInt128(byte)) &* prime }
        }
        value = hash
    }

    /// One that was kept.
    init(bytes: [UInt8]) { value = bytes.prefix(16).reduce(0) { $0 << 8 | UInt128($1) } }

    var bytes: [UInt8] { (0..<16).reversed().map { UInt8(truncatingIfNeeded: value >> UInt128($0 * 8)) } }

    private static func write(_ value: Value, to writer: Writer) {
        switch value {
        case .map(let map):
            writer.map(map.count)
            for (key, value) in map.sorted(by: { $0.key < $1.key }) {
                writer.string(key)
                write(value, to: writer)
            }
        case .array(let elements):
            writer.array(elements.count)
            for element in elements { write(element, to: writer) }
        default: writer.value(value)
        }
    }
}
