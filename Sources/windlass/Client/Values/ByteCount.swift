import ArgumentParser

/// A number of bytes as a person writes it: `512`, `64k`, `256m`, `2g`, with powers of 1024.
struct ByteCount: ExpressibleByArgument, Sendable, Equatable {
    let bytes: UInt64

    init(_ bytes: UInt64) { self.bytes = bytes }

    init?(argument: String) {
        let digits = argument.prefix { $0.isASCII && $0.isNumber || $0 == "." }
        var unit = argument.dropFirst(digits.count).lowercased()
        for ending in ["ib", "b"] where unit.hasSuffix(ending) {
            unit.removeLast(ending.count)
            break
        }
        guard let power = ["", "k", "m", "g", "t"].firstIndex(of: unit), let number = Double(digits) else { return nil }
        let bytes = (0..<power).reduce(number) { value, _ in value * 1024 }
        guard bytes >= 0, bytes < 0x1p63 else { return nil }
        self.bytes = UInt64(bytes)
    }

    /// Short, for a table: three digits and a unit.
    var brief: String {
        var (value, unit) = (Double(bytes), 0)
        while value >= 999.5, unit < ByteCount.names.count - 1 {
            value /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let tenths = Int((value * 10).rounded())
        return value < 99.95
            ? "\(tenths / 10).\(tenths % 10) \(ByteCount.names[unit])"
            : "\(Int(value.rounded())) \(ByteCount.names[unit])"
    }

    private static let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
}
