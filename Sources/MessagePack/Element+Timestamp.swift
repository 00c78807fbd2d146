extension Element {
    /// The extension type that MessagePack keeps for timestamps.
    static let timestampType: Int8 = -1

    /// Reads the 4, 8 or 12 bytes of a timestamp extension; nil where they are none.
    static func timestamp(_ bytes: UnsafeRawBufferPointer) -> Value? {
        func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer {
            Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        let seconds: Int64
        var nanoseconds: UInt32 = 0
        switch bytes.count {
        case 4: seconds = Int64(integer(UInt32.self, at: 0))
        case 8:
            let packed = integer(UInt64.self, at: 0)
            (seconds, nanoseconds) = (Int64(packed & 0x3_ffff_ffff), UInt32(packed >> 34))
        case 12: (seconds, nanoseconds) = (integer(Int64.self, at: 4), integer(UInt32.self, at: 0))
        default: return nil
        }
        return nanoseconds < 1_000_000_000 ? .timestamp(seconds: seconds, nanoseconds: nanoseconds) : nil
    }
}
