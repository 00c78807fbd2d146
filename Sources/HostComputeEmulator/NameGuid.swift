import CHostCompute

/// A GUID made from a name (RFC 4122 version 5) over UTF-16 little-endian text (HostComputeService E).
struct NameGuid {
    /// The namespace of layer ids, what the export NameToGuid computes with.
    static let layers: [UInt8] = [
        0x80, 0x08, 0x72, 0xC5, 0x90, 0x9C, 0x40, 0x3A, 0x89, 0xC9, 0x93, 0x1F, 0xE5, 0xE2, 0xFD, 0x08,
    ]

    /// The namespace of runtime ids, over the upper-cased id of a compute system.
    static let systems: [UInt8] = [
        0xCA, 0xB7, 0x03, 0x44, 0xFA, 0xCB, 0x41, 0xE4, 0xB5, 0xE5, 0xAB, 0x65, 0x92, 0x28, 0x3E, 0x6E,
    ]

    /// The 16 bytes in printed order.
    let bytes: [UInt8]

    init(namespace: [UInt8], name: some Sequence<UInt16>) {
        var input = namespace
        for unit in name {
            input.append(UInt8(truncatingIfNeeded: unit))
            input.append(UInt8(truncatingIfNeeded: unit >> 8))
        }
        var bytes = Array(SHA1.hash(input).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        self.bytes = bytes
    }

    /// The standard form: lower case, no braces.
    var text: String {
        var text = ""
        for (index, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(index) { text += "-" }
            if byte < 16 { text += "0" }
            text += String(byte, radix: 16)
        }
        return text
    }

    /// The struct as Windows lays it out.
    var value: HcsGuid {
        let word = { (range: Range<Int>) in bytes[range].reduce(UInt32(0)) { $0 << 8 | UInt32($1) } }
        return HcsGuid(
            Data1: word(0..<4), Data2: UInt16(truncatingIfNeeded: word(4..<6)),
            Data3: UInt16(truncatingIfNeeded: word(6..<8)),
            Data4: (bytes[8], bytes[9], bytes[10], bytes[11], bytes[12], bytes[13], bytes[14], bytes[15]))
    }
}
