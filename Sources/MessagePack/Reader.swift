import CMessagePack

/// Decodes one body at a time with msgpack-c, within ``Limits``.
///
/// One reader serves one thread: it keeps msgpack-c's arena from body to body, so that decoding a small body allocates
/// nothing.
public final class Reader {
    /// Arena chunks of this size are kept between bodies; larger ones are given back.
    private static let chunkSize = 8192

    private let zone: UnsafeMutablePointer<msgpack_zone>
    private let limits: Limits

    /// A reader that holds bodies to `limits`.
    public init(limits: Limits = Limits()) {
        self.limits = limits
        zone = .allocate(capacity: 1)
        zone.initialize(to: msgpack_zone())
        msgpack_zone_init(zone, Reader.chunkSize)
    }

    deinit {
        msgpack_zone_destroy(zone)
        zone.deallocate()
    }

    /// Decodes `bytes`, which must be exactly one object, and lends it to `body`.
    ///
    /// The element, and all that is reached through it, points into `bytes` and must not outlive the call.
    /// - Throws: ``MessageError`` where the bytes break a decoding rule, or what `body` throws.
    public func read<Result>(
        _ bytes: UnsafeRawBufferPointer, _ body: (Element) throws -> Result
    ) throws -> Result {
        try Scanner.check(bytes, limits)
        defer { msgpack_zone_clear(zone) }
        var object = msgpack_object()
        var offset = 0
        let status = msgpack_unpack(
            bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, &offset, zone, &object)
        // The scanner has refused all that msgpack-c could; what is left is want of memory.
        guard status == MSGPACK_UNPACK_SUCCESS else {
            throw MessageError("msgpack-c refused the body with status \(status.rawValue)")
        }
        return try withUnsafePointer(to: &object) { pointer in
            let element = Element(pointer)
            try element.checkKeys()
            return try body(element)
        }
    }

    /// The integers from 0 on that an array begins with, at most `limit` of them, whatever follows them.
    ///
    /// For bodies that cannot be read as a whole: only the headers of these few elements are looked at.
    public static func leadingIntegers(_ limit: Int, of bytes: UnsafeRawBufferPointer) -> [UInt64] {
        Scanner.leadingIntegers(limit, of: bytes)
    }

    /// Decodes `bytes` into a value that stands on its own.
    public func value(_ bytes: [UInt8]) throws -> Value {
        try bytes.withUnsafeBytes { try read($0) { try $0.value() } }
    }
}
