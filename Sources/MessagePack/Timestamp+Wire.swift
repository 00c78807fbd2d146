extension Timestamp {
    /// The extension type that MessagePack keeps for timestamps.
    static let extensionType: Int8 = -1

    /// Reads the 4, 8 or 12 bytes of a timestamp extension; nil where they are none.
    init?(extensionBytes bytes: UnsafeRawBufferPointer) {
        func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer {
            Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
        }
        switch bytes.count {
        case 4:
            self.init(seconds: Int64(integer(UInt32.self, at: 0)), nanoseconds: 0)
        case 8:
            let packed = integer(UInt64.self, at: 0)
            self.init(seconds: Int64(packed & 0x3_ffff_ffff), nanoseconds: UInt32(packed >> 34))
        case 12:
            self.init(seconds: integer(Int64.self, at: 4), nanoseconds: integer(UInt32.self, at: 0))
        default: return nil
        }
    }
}
