import CMessagePack

/// Encodes objects with msgpack-c into a buffer that is used again and again.
///
/// One writer serves one thread. It writes the shortest form of every number and length. An array or map is begun with
/// its count and then gets exactly that many elements or keys and values.
public final class Writer {
    private let buffer: UnsafeMutablePointer<msgpack_sbuffer>
    private let packer: UnsafeMutablePointer<msgpack_packer>

    /// A writer with an empty buffer.
    public init() {
        buffer = .allocate(capacity: 1)
        buffer.initialize(to: msgpack_sbuffer())
        packer = .allocate(capacity: 1)
        packer.initialize(to: msgpack_packer(data: buffer, callback: msgpack_sbuffer_write))
    }

    deinit {
        msgpack_sbuffer_destroy(buffer)
        buffer.deallocate()
        packer.deallocate()
    }

    /// How many bytes have been written since the last ``clear()``.
    public var count: Int { buffer.pointee.size }

    /// Begins anew. A buffer that one large message left behind is given back.
    public func clear() {
        if buffer.pointee.alloc > 1 << 20 {
            msgpack_sbuffer_destroy(buffer)
            buffer.pointee = msgpack_sbuffer()
        }
        buffer.pointee.size = 0
    }

    /// Lends what was written to `body`.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(UnsafeRawBufferPointer(start: buffer.pointee.data, count: buffer.pointee.size))
    }

    /// What was written.
    public var bytes: [UInt8] { withBytes { Array($0) } }

    /// Gives away what was written and begins again with another buffer.
    /// - Returns: memory from malloc, which now belongs to the caller.
    public func release() -> UnsafeMutableRawBufferPointer {
        let count = buffer.pointee.size
        return UnsafeMutableRawBufferPointer(start: msgpack_sbuffer_release(buffer), count: count)
    }

    /// Writes nil.
    public func null() { msgpack_pack_nil(packer) }

    /// Writes a bool.
    public func bool(_ value: Bool) { _ = value ? msgpack_pack_true(packer) : msgpack_pack_false(packer) }

    /// Writes an integer.
    public func int(_ value: Int64) { msgpack_pack_int64(packer, value) }

    /// Writes an integer.
    public func unsigned(_ value: UInt64) { msgpack_pack_uint64(packer, value) }

    /// Writes a float, in 32 bits where they hold it exactly.
    public func double(_ value: Double) {
        if Double(Float(value)) == value {
            msgpack_pack_float(packer, Float(value))
        } else {
            msgpack_pack_double(packer, value)
        }
    }

    /// Writes a str that is known when the program is built.
    public func string(_ value: StaticString) { value.withUTF8Buffer { string($0) } }

    /// Writes a str.
    @_disfavoredOverload
    public func string(_ value: String) {
        var value = value
        value.withUTF8 { string($0) }
    }

    /// A short one, as keys and most texts are, goes into the buffer in one step: msgpack-c takes two calls by pointer.
    private func string(_ bytes: UnsafeBufferPointer<UInt8>) {
        let (size, count) = (buffer.pointee.size, bytes.count)
        guard count < 32, buffer.pointee.alloc - size > count, let end = buffer.pointee.data?.advanced(by: size) else {
            msgpack_pack_str_with_body(packer, bytes.baseAddress, count)
            return
        }
        end.pointee = CChar(bitPattern: 0xA0 | UInt8(count))
        if let start = bytes.baseAddress { UnsafeMutableRawPointer(end + 1).copyMemory(from: start, byteCount: count) }
        buffer.pointee.size = size + 1 + count
    }

    /// Writes a bin.
    public func binary(_ value: UnsafeRawBufferPointer) {
        msgpack_pack_bin_with_body(packer, value.baseAddress, value.count)
    }

    /// Begins an array of `count` elements.
    public func array(_ count: Int) { msgpack_pack_array(packer, count) }

    /// Begins a map of `count` entries.
    public func map(_ count: Int) { msgpack_pack_map(packer, count) }

    /// Writes a timestamp extension: seconds since 1970, and nanoseconds after them, below 1,000,000,000.
    public func timestamp(seconds: Int64, nanoseconds: UInt32) {
        var raw = msgpack_timestamp(tv_sec: seconds, tv_nsec: nanoseconds)
        msgpack_pack_timestamp(packer, &raw)
    }

    /// Writes an object that is encoded already.
    public func encoded(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            msgpack_sbuffer_write(buffer, start.assumingMemoryBound(to: CChar.self), source.count)
        }
    }

    /// Writes a value.
    public func value(_ value: Value) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .unsigned(let value): unsigned(value)
        case .negative(let value): int(value)
        case .double(let value): double(value)
        case .string(let value): string(value)
        case .binary(let value): value.withUnsafeBytes { binary($0) }
        case .array(let elements):
            array(elements.count)
            for element in elements { self.value(element) }
        case .map(let entries):
            map(entries.count)
            for (key, value) in entries {
                string(key)
                self.value(value)
            }
        case .timestamp(let seconds, let nanoseconds): timestamp(seconds: seconds, nanoseconds: nanoseconds)
        case .extension(let type, let bytes):
            bytes.withUnsafeBytes { _ = msgpack_pack_ext_with_body(packer, $0.baseAddress, $0.count, type) }
        }
    }
}
