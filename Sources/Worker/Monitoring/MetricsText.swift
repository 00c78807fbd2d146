/// Writes metrics in Prometheus' text format 0.0.4. Pure.
///
/// All series of a metric are written together, behind its help and type.
struct MetricsText {
    /// What has been written.
    private(set) var bytes: [UInt8] = []

    enum Kind {
        case counter, gauge, histogram

        fileprivate var name: StaticString {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    /// Labels and their values.
    typealias Labels = KeyValuePairs<StaticString, String>

    init() { bytes.reserveCapacity(64 * 1024) }

    /// Begins a metric.
    /// - Parameter help: one line.
    mutating func metric(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        append("# HELP ")
        append(name)
        append(" ")
        append(help)
        append("\n# TYPE ")
        append(name)
        append(" ")
        append(kind.name)
        append("\n")
    }

    /// A series of the metric that was begun last.
    mutating func sample(_ name: StaticString, _ labels: Labels = [:], value: UInt64) {
        append(name)
        if !labels.isEmpty { write(labels) }
        end(value)
    }

    /// A series of the metric that was begun last.
    mutating func sample(_ name: StaticString, _ labels: Labels = [:], value: Int) {
        sample(name, labels, value: UInt64(max(0, value)))
    }

    /// A series whose value is given in nanoseconds and written in seconds.
    mutating func seconds(_ name: StaticString, _ labels: Labels = [:], nanoseconds: UInt64) {
        append(name)
        if !labels.isEmpty { write(labels) }
        append(" ")
        write(nanoseconds: nanoseconds)
        append("\n")
    }

    /// A metric and its only series.
    mutating func gauge(_ name: StaticString, _ help: StaticString, _ value: Int) {
        metric(name, .gauge, help)
        sample(name, value: value)
    }

    /// A metric and its only series.
    mutating func counter(_ name: StaticString, _ help: StaticString, _ value: UInt64) {
        metric(name, .counter, help)
        sample(name, value: value)
    }

    /// The series of a histogram, of the metric that was begun last.
    mutating func histogram(_ name: StaticString, _ labels: Labels = [:], of histogram: Histogram) {
        var total: UInt64 = 0
        for (place, count) in histogram.counts.enumerated() {
            total += count
            append(name)
            append("_bucket{")
            if !labels.isEmpty {
                write(pairs: labels)
                append(",")
            }
            append("le=\"")
            if place < histogram.bounds.labels.count {
                bytes.append(contentsOf: histogram.bounds.labels[place].utf8)
            } else {
                append("+Inf")
            }
            append("\"}")
            end(total)
        }
        append(name)
        append("_sum")
        if !labels.isEmpty { write(labels) }
        append(" ")
        write(nanoseconds: histogram.sum)
        append("\n")
        append(name)
        append("_count")
        if !labels.isEmpty { write(labels) }
        end(total)
    }

    // MARK: Parts of a line

    private mutating func end(_ value: UInt64) {
        append(" ")
        write(value)
        append("\n")
    }

    private mutating func write(_ labels: Labels) {
        append("{")
        write(pairs: labels)
        append("}")
    }

    private mutating func write(pairs labels: Labels) {
        var isFirst = true
        for (name, value) in labels {
            if !isFirst { append(",") }
            isFirst = false
            append(name)
            append("=\"")
            for byte in value.utf8 {
                switch byte {
                case UInt8(ascii: "\\"): append("\\\\")
                case UInt8(ascii: "\""): append("\\\"")
                case UInt8(ascii: "\n"): append("\\n")
                default: bytes.append(byte)
                }
            }
            append("\"")
        }
    }

    /// Without a way over floating point, which would lose digits of long sums.
    private mutating func write(nanoseconds: UInt64) {
        write(nanoseconds / 1_000_000_000)
        append(".")
        let rest = nanoseconds % 1_000_000_000
        var scale: UInt64 = 100_000_000
        while scale > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / scale % 10))
            scale /= 10
        }
    }

    private mutating func write(_ value: UInt64) {
        var scale: UInt64 = 1
        while value / scale >= 10 { scale *= 10 }
        while scale > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / scale % 10))
            scale /= 10
        }
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }
}
