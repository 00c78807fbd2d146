/// The header of one file in a tar archive (POSIX ustar), for a file that gets another name on its way: no program that
/// makes archives renames on every system. Pure.
struct TarHeader {
    let name: String
    let size: UInt64
    let mode: UInt32
    /// Seconds since 1970.
    let modified: UInt64
    var user: UInt32 = 0
    var group: UInt32 = 0

    static let blockSize = 512

    /// The header; a longer name or a large size is in a header of its own before it, as POSIX has it (pax).
    var bytes: [UInt8] {
        var records: [UInt8] = []
        if name.utf8.count > 100 { records += TarHeader.record("path", name) }
        if size > 0o77_777_777_777 { records += TarHeader.record("size", String(size)) }
        let plain = block(name: Array(name.utf8.prefix(100)), size: min(size, 0o77_777_777_777), type: "0")
        guard !records.isEmpty else { return plain }
        return block(name: Array("pax".utf8), size: UInt64(records.count), type: "x")
            + records + TarHeader.padding(after: UInt64(records.count)) + plain
    }

    /// What fills the last block of a content.
    static func padding(after size: UInt64) -> [UInt8] {
        let rest = Int(size % UInt64(blockSize))
        return rest == 0 ? [] : [UInt8](repeating: 0, count: blockSize - rest)
    }

    /// What ends an archive.
    static let end = [UInt8](repeating: 0, count: 2 * blockSize)

    /// `LENGTH KEY=VALUE` and a line feed; the length counts itself.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = " \(key)=\(value)\n".utf8.count
        var length = rest + String(rest).utf8.count
        if rest + String(length).utf8.count != length { length = rest + String(length).utf8.count }
        return Array("\(length) \(key)=\(value)\n".utf8)
    }

    private func block(name: [UInt8], size: UInt64, type: Character) -> [UInt8] {
        var block = name + [UInt8](repeating: 0, count: 100 - name.count)
        for (number, width) in [
            (UInt64(mode & 0o7777), 8), (UInt64(user), 8), (UInt64(group), 8), (size, 12), (modified, 12),
        ] {
            block += TarHeader.octal(number, width)
        }
        block += Array("        ".utf8)  // the sum, taken as spaces while it is made
        block += Array(String(type).utf8)
        block += [UInt8](repeating: 0, count: 100)
        block += Array("ustar\u{0}00".utf8)
        block += [UInt8](repeating: 0, count: TarHeader.blockSize - block.count)
        let sum = block.reduce(UInt64(0)) { $0 + UInt64($1) }
        let text = TarHeader.octal(sum, 7) + Array(" ".utf8)
        block.replaceSubrange(148..<156, with: text)
        return block
    }

    /// Octal digits and a NUL; a number that is too large for them becomes the largest.
    private static func octal(_ number: UInt64, _ width: Int) -> [UInt8] {
        let digits = String(number, radix: 8)
        let fitting = digits.count < width ? digits : String(repeating: "7", count: width - 1)
        return Array((String(repeating: "0", count: width - 1 - fitting.count) + fitting).utf8) + [0]
    }
}
