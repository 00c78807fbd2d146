/// Reads the texts of cgroup files. What is not as it should be is zero, as what a driver does not know is.
enum CgroupText {
    /// The one number of a file; `max` is the greatest.
    static func number(_ text: String?) -> UInt64 {
        guard let text = text?.trimmingSpace, !text.isEmpty else { return 0 }
        return text == "max" ? .max : UInt64(text) ?? 0
    }

    /// The number behind `key` in lines such as `inactive_file 4096`.
    static func number(_ key: String, in text: String?) -> UInt64 {
        for line in (text ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2, fields[0] == key { return UInt64(fields[1]) ?? 0 }
        }
        return 0
    }

    /// The sum of the entries of `operation` in lines such as `8:0 Read 4096`, over all devices.
    static func sum(_ operation: String, in text: String?) -> UInt64 {
        var sum: UInt64 = 0
        for line in (text ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 3, fields[1] == operation { sum &+= UInt64(fields[2]) ?? 0 }
        }
        return sum
    }

    /// The sum of `key` in lines such as `8:0 rbytes=4096 wbytes=0`, over all devices.
    static func sum(field key: String, in text: String?) -> UInt64 {
        var sum: UInt64 = 0
        for line in (text ?? "").split(separator: "\n") {
            for field in line.split(separator: " ") where field.hasPrefix(key + "=") {
                sum &+= UInt64(field.dropFirst(key.count + 1)) ?? 0
            }
        }
        return sum
    }

    /// The process ids of a `cgroup.procs`.
    static func processes(_ text: String?) -> [Int32] {
        (text ?? "").split(separator: "\n").compactMap { Int32($0) }.filter { $0 > 0 }
    }
}

extension String {
    /// Without white space at its end.
    var trimmingSpace: String {
        var text = self[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
