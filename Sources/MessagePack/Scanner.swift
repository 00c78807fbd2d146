/// Reads the headers of one MessagePack object, without allocating, before msgpack-c may see it.
///
/// msgpack-c allocates what a header declares before it has seen one element, stops at a fixed depth with the same error
/// as for want of memory, and checks neither UTF-8 nor key types nor trailing bytes. So this pass holds every body to:
/// exactly one object; depth; declared and still outstanding elements never above the bytes that are left; keys that
/// are strings; valid UTF-8.
struct Scanner {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    private init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Throws unless `bytes` are exactly one acceptable object.
    static func check(_ bytes: UnsafeRawBufferPointer, _ limits: Limits) throws(MessageError) {
        var scanner = Scanner(bytes)
        try scanner.scan(limits)
    }

    /// An array or map that has begun: how many elements it still wants, and whether they are keys and values in turn.
    private struct Open {
        var outstanding: Int
        var isMap: Bool
        var wantsKey: Bool { isMap && outstanding % 2 == 0 }
    }

    private mutating func scan(_ limits: Limits) throws(MessageError) {
        guard !bytes.isEmpty else { throw MessageError("the body is empty") }
        try withUnsafeTemporaryAllocation(of: Open.self, capacity: limits.depth) { stack throws(MessageError) in
            try walk(stack)
        }
        guard position == bytes.count else {
            throw MessageError("\(bytes.count - position) bytes follow the object; a body is exactly one object")
        }
    }

    private mutating func walk(_ stack: UnsafeMutableBufferPointer<Open>) throws(MessageError) {
        var depth = 0
        // Elements that headers have declared and that have not come yet, over all open arrays and maps.
        var outstanding = 1
        while outstanding > 0 {
            outstanding -= 1
            var isKey = false
            if depth > 0 {
                isKey = stack[depth - 1].wantsKey
                stack[depth - 1].outstanding -= 1
            }
            let children = try element(isKey: isKey)
            if let children {
                guard depth < stack.count else {
                    throw MessageError("arrays and maps are nested deeper than \(stack.count)")
                }
                outstanding += children.outstanding
                guard outstanding <= bytes.count - position else {
                    throw MessageError("headers declare more elements than the body has bytes left")
                }
                if children.outstanding > 0 {
                    stack[depth] = children
                    depth += 1
                }
            }
            while depth > 0, stack[depth - 1].outstanding == 0 { depth -= 1 }
        }
    }

    /// Reads one header and what is not a child of it.
    /// - Returns: the array or map that it begins.
    @inline(__always)
    private mutating func element(isKey: Bool) throws(MessageError) -> Open? {
        let header = try byte()
        switch header {
        case 0xa0...0xbf:
            try string(Int(header & 0x1f))
            return nil
        case 0xd9: try string(try integer(1))
        case 0xda: try string(try integer(2))
        case 0xdb: try string(try integer(4))
        case _ where isKey:
            throw MessageError("a map key is not a str (header 0x\(String(header, radix: 16)))")
        case 0x00...0x7f, 0xe0...0xff, 0xc0, 0xc2, 0xc3: return nil
        case 0x80...0x8f: return Open(outstanding: 2 * Int(header & 0x0f), isMap: true)
        case 0x90...0x9f: return Open(outstanding: Int(header & 0x0f), isMap: false)
        case 0xc4: try skip(try integer(1))
        case 0xc5: try skip(try integer(2))
        case 0xc6: try skip(try integer(4))
        case 0xc7: try skip(1 + (try integer(1)))
        case 0xc8: try skip(1 + (try integer(2)))
        case 0xc9: try skip(1 + (try integer(4)))
        case 0xca, 0xce, 0xd2: try skip(4)
        case 0xcb, 0xcf, 0xd3: try skip(8)
        case 0xcc, 0xd0: try skip(1)
        case 0xcd, 0xd1: try skip(2)
        case 0xd4...0xd8: try skip(1 + (1 << Int(header - 0xd4)))
        case 0xdc: return Open(outstanding: try integer(2), isMap: false)
        case 0xdd: return Open(outstanding: try integer(4), isMap: false)
        case 0xde: return Open(outstanding: 2 * (try integer(2)), isMap: true)
        case 0xdf: return Open(outstanding: 2 * (try integer(4)), isMap: true)
        default: throw MessageError("0xc1 is not a MessagePack header")
        }
        return nil
    }

    /// The integers from 0 on that an array begins with, at most `limit` of them.
    static func leadingIntegers(_ limit: Int, of bytes: UnsafeRawBufferPointer) -> [UInt64] {
        var scanner = Scanner(bytes)
        guard case .some(.some(let array)) = try? scanner.element(isKey: false), !array.isMap else { return [] }
        var integers: [UInt64] = []
        while integers.count < min(limit, array.outstanding), let integer = try? scanner.unsigned() {
            integers.append(integer)
        }
        return integers
    }

    /// An integer of any width; nil where the next element is none from 0 on.
    private mutating func unsigned() throws(MessageError) -> UInt64? {
        let header = try byte()
        switch header {
        case 0x00...0x7f: return UInt64(header)
        case 0xcc...0xcf: return UInt64(bitPattern: Int64(try integer(1 << Int(header - 0xcc))))
        case 0xd0...0xd3:
            let width = 1 << Int(header - 0xd0)
            let bits = try integer(width)
            return bits >> (8 * width - 1) & 1 == 0 ? UInt64(bitPattern: Int64(bits)) : nil
        default: return nil
        }
    }

    private mutating func byte() throws(MessageError) -> UInt8 {
        guard position < bytes.count else { throw Scanner.truncated }
        defer { position += 1 }
        return bytes[position]
    }

    /// A big-endian length of `width` bytes.
    private mutating func integer(_ width: Int) throws(MessageError) -> Int {
        guard width <= bytes.count - position else { throw Scanner.truncated }
        var value = 0
        for index in position..<position + width { value = value << 8 | Int(bytes[index]) }
        position += width
        return value
    }

    private mutating func skip(_ count: Int) throws(MessageError) {
        guard count <= bytes.count - position else { throw Scanner.truncated }
        position += count
    }

    private mutating func string(_ count: Int) throws(MessageError) {
        let start = position
        try skip(count)
        let text = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
        // Nearly every string is ASCII; only the others need the decoder.
        if text.allSatisfy({ $0 < 0x80 }) { return }
        guard String(validating: text, as: UTF8.self) != nil else {
            throw MessageError("a str is not valid UTF-8")
        }
    }

    private static let truncated = MessageError("the body ends in the middle of an object")
}
