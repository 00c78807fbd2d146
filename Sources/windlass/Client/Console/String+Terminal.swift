extension String {
    /// The text with characters that steer a terminal shown instead of sent.
    var printable: String {
        guard unicodeScalars.contains(where: \.steersTerminal) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.steersTerminal {
                text += "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension String {
    /// Several lines, each as ``printable``.
    var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    }

    /// How many columns of a terminal the text takes: letters of East Asia take two, marks on a letter none.
    var columns: Int { unicodeScalars.reduce(0) { $0 + $1.columns } }

    /// The longest beginning that takes no more than `limit` columns.
    func prefix(columns limit: Int) -> String {
        var used = 0
        var text = ""
        for character in self {
            used += String(character).columns
            guard used <= limit else { break }
            text.append(character)
        }
        return text
    }
}

extension Unicode.Scalar {
    /// By the ranges of Unicode's East Asian Width that are wide, and the combining marks.
    fileprivate var columns: Int {
        switch value {
        case ..<0x300: return 1
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default:
            switch properties.generalCategory {
            case .nonspacingMark, .enclosingMark: return 0
            default: return 1
            }
        }
    }

    fileprivate var steersTerminal: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
