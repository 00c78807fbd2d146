/// The alphabet that container ids and process names share.
package enum Name {
    /// Bytes of a name.
    package static let length = 1...128

    /// What a name may be, for messages to people.
    package static let rule =
        "\(length.lowerBound) to \(length.upperBound) characters of A-Z a-z 0-9 _ . - beginning with a letter or "
        + "a digit"

    package static func isValid(_ name: String) -> Bool {
        let bytes = name.utf8
        guard length.contains(bytes.count), let first = bytes.first, isAlphanumeric(first) else { return false }
        return bytes.allSatisfy {
            isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }

    package static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    package static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
