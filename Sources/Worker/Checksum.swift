import CChecksum

/// CRC-32C, which detects what a failing disk or memory changed. It is no defence against deliberate changes.
struct Checksum: Sendable, Hashable {
    private var state: UInt32 = ~0

    /// The checksum of everything that was added.
    var value: UInt32 { ~state }

    /// The checksum of nothing.
    init() {}

    /// The checksum of `bytes`.
    init(_ bytes: some Collection<UInt8>) { add(bytes) }

    /// Adds bytes to what the checksum covers.
    mutating func add(_ bytes: some Collection<UInt8>) {
        if bytes.withContiguousStorageIfAvailable({ add(UnsafeRawBufferPointer($0)) }) == nil {
            add(Array(bytes))
        }
    }

    /// Adds bytes to what the checksum covers.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        state = Checksum.isInstruction ? crc32c_add(state, bytes.baseAddress, bytes.count) : lookedUp(bytes)
    }

    private static let isInstruction = crc32c_is_instruction()

    /// The state after `bytes`, for processors without an instruction for it.
    func lookedUp(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var (crc, index) = (state, 0)
        Checksum.tables.withUnsafeBufferPointer { tables in
            while index + 8 <= bytes.count {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
                crc = 0
                for place in 0..<8 { crc ^= tables[(7 - place) << 8 | Int(word >> UInt64(place * 8) & 0xFF)] }
                index += 8
            }
            while index < bytes.count {
                crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
        }
        return crc
    }

    /// Adds a number.
    mutating func add(_ number: Int64) {
        withUnsafeBytes(of: number.littleEndian) { add($0) }
    }

    /// Adds a text with its length, so that two texts are not taken for one.
    mutating func add(_ text: String) {
        add(Int64(text.utf8.count))
        add(text.utf8)
    }

    /// Table `n` has the checksum of each byte with `n` zeros behind it: eight bytes are looked up at a time.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            tables[byte] = (0..<8).reduce(UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 0 ? 0 : 0x82F6_3B78) }
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
