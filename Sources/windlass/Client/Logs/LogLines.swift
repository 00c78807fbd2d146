import ContainerModel
import ContainerProtocol
import MessagePack

/// Puts the time of a line, or the name of its container, before it. Pure.
///
/// Bytes of the two streams come in pieces that need not end with a line. A piece that goes on with a line gets nothing
/// before it. Lines of several containers are handed on whole, since others come in between.
struct LogLines {
    /// What stands before each line; nil for nothing.
    var name: String?
    /// Whether the time stands before each line.
    var hasTimes = false

    private struct Tail {
        var isStarted = false
        /// The line that has no end yet, where lines are handed on whole.
        var bytes: [UInt8] = []
        var time: Timestamp?
    }

    private var tails: [OutputStream: Tail] = [:]

    init(name: String? = nil, hasTimes: Bool = false) {
        self.name = name
        self.hasTimes = hasTimes
    }

    /// The bytes to print for a piece.
    mutating func take(_ stream: OutputStream, _ data: [UInt8], at time: Timestamp?) -> [UInt8] {
        guard name != nil || hasTimes else { return data }
        var tail = tails[stream] ?? Tail()
        defer { tails[stream] = tail }
        var output: [UInt8] = []
        var rest = data[...]
        while !rest.isEmpty {
            let line = rest.prefix { $0 != LogLines.lineFeed }
            let isWhole = line.endIndex < rest.endIndex
            rest = rest.dropFirst(line.count + (isWhole ? 1 : 0))
            if name == nil {
                if !tail.isStarted { output += prefix(time) }
                output += line
                if isWhole { output.append(LogLines.lineFeed) }
            } else {
                if tail.bytes.isEmpty { tail.time = time }
                tail.bytes += line
                if isWhole || tail.bytes.count > LogLines.longest {
                    output += prefix(tail.time) + tail.bytes + [LogLines.lineFeed]
                    tail.bytes = []
                }
            }
            tail.isStarted = !isWhole
        }
        return output
    }

    /// What is left of a stream's last line, at its end.
    mutating func end(_ stream: OutputStream) -> [UInt8] {
        guard let tail = tails.removeValue(forKey: stream), !tail.bytes.isEmpty else { return [] }
        return prefix(tail.time) + tail.bytes + [LogLines.lineFeed]
    }

    private static let lineFeed = UInt8(ascii: "\n")
    /// A line that is longer is broken.
    private static let longest = 1 << 20

    private func prefix(_ time: Timestamp?) -> [UInt8] {
        let name = name.map { "\($0) | " } ?? ""
        let time = hasTimes ? (time?.rfc3339(digits: 3) ?? "-") + " " : ""
        return Array((name + time).utf8)
    }
}
