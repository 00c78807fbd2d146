import CZeroMQ

/// A key of CURVE, public or secret: 32 bytes.
public struct CurveKey: Hashable, Sendable {
    /// The 32 bytes.
    public let bytes: [UInt8]

    private static let size = 32

    /// Takes the bytes of a key; nil where they are not 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == CurveKey.size else { return nil }
        self.bytes = bytes
    }

    /// Reads a key in Z85, ZeroMQ's own form (40 characters), or in hexadecimal (64 digits); nil where it is neither.
    public init?(_ text: String) {
        let text = Array(text.utf8)
        var bytes = [UInt8](repeating: 0, count: CurveKey.size)
        switch text.count {
        case 40:
            // Only the characters of Z85: libzmq checks them since 4.2.1, but not whether the value fits.
            let isRead = (text + [0]).withUnsafeBufferPointer { source in
                source.withMemoryRebound(to: CChar.self) { characters in
                    bytes.withUnsafeMutableBufferPointer {
                        zmq_z85_decode($0.baseAddress, characters.baseAddress) != nil
                    }
                }
            }
            guard isRead else { return nil }
        case 64:
            for index in bytes.indices {
                guard let high = CurveKey.digit(text[2 * index]), let low = CurveKey.digit(text[2 * index + 1]) else {
                    return nil
                }
                bytes[index] = high << 4 | low
            }
        default: return nil
        }
        self.bytes = bytes
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The key in Z85: 40 characters.
    public var z85: String {
        var text = [CChar](repeating: 0, count: 41)
        _ = bytes.withUnsafeBufferPointer { zmq_z85_encode(&text, $0.baseAddress, $0.count) }
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The key in hexadecimal: 64 digits, which need no quotes in a shell or in a URL.
    public var hexadecimal: String { bytes.hexadecimal }

    /// What logs name a key by: the first 8 hexadecimal digits of its SHA-256.
    public var fingerprint: String { String(SHA256.hash(bytes).hexadecimal.prefix(8)) }
}

extension [UInt8] {
    /// Two digits for each byte.
    fileprivate var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
