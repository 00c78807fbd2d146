/// The rules of W3C Trace Context for a `traceparent`.
public enum TraceContext {
    /// The text, where it follows the rules; else nil: one that is malformed counts as none.
    ///
    /// Of a version that is not known, what is known must be as in version 00, and more may follow behind a `-`.
    public static func valid(_ traceparent: String) -> String? {
        let bytes = Array(traceparent.utf8)
        let parts = bytes.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count >= 4, zip(parts, [2, 32, 16, 2]).allSatisfy({ $0.count == $1 && $0.allSatisfy(isHex) }),
            !parts[0].elementsEqual("ff".utf8), !parts[0].elementsEqual("00".utf8) || parts.count == 4,
            parts[1].contains(where: { $0 != 0x30 }), parts[2].contains(where: { $0 != 0x30 })
        else { return nil }
        return traceparent
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
