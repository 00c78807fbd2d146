/// Rows of text in aligned columns.
struct Table: Sendable {
    /// A heading and which side its column's texts stand on.
    struct Column: Sendable, ExpressibleByStringLiteral {
        var title: String
        var isNumeric = false

        init(stringLiteral title: String) { self.title = title }

        /// A column of numbers, which end at the right.
        static func number(_ title: String) -> Column {
            var column = Column(stringLiteral: title)
            column.isNumeric = true
            return column
        }
    }

    /// One text, and how it looks on a terminal with colour.
    struct Cell: Sendable, ExpressibleByStringInterpolation {
        var text: String
        var style: Style?

        init(_ text: String, _ style: Style? = nil) {
            // A container's name must not send control sequences to the user's terminal.
            self.text = text.printable
            self.style = style
        }

        init(stringLiteral text: String) { self.init(text) }
    }

    /// How a text looks.
    enum Style: Int, Sendable {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case cyan = 36

        func apply(to text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
    }

    var columns: [Column]
    var rows: [[Cell]] = []

    init(_ columns: Column...) { self.columns = columns }

    mutating func add(_ cells: Cell...) { rows.append(cells) }

    /// The table as lines, the heading first.
    /// - Parameter width: the most characters of a line; the last column is cut to fit.
    func lines(colour: Bool = false, width: Int? = nil) -> [String] {
        let heading = columns.map { Cell($0.title, .bold) }
        var widths = columns.map(\.title.count)
        for row in rows {
            for (index, cell) in row.enumerated() where index < widths.count {
                widths[index] = max(widths[index], cell.text.count)
            }
        }
        if let width, let last = widths.last {
            let before = widths.dropLast().reduce(0) { $0 + $1 + Table.gap.count }
            widths[widths.count - 1] = min(last, max(Table.narrowest, width - before))
        }
        return ([heading] + rows).map { line($0, widths, colour) }
    }

    private static let gap = "   "
    private static let narrowest = 8

    private func line(_ cells: [Cell], _ widths: [Int], _ colour: Bool) -> String {
        var line = ""
        var missing = 0
        for (index, (cell, width)) in zip(cells, widths).enumerated() {
            let text = cell.text.count > width ? cell.text.prefix(width - 1) + "…" : cell.text[...]
            let space = width - text.count
            let before = columns[index].isNumeric ? space : 0
            // Spaces are written when something follows them, so that no line ends in spaces.
            if !text.isEmpty {
                line += String(repeating: " ", count: missing + before)
                line += colour ? cell.style?.apply(to: String(text)) ?? String(text) : String(text)
                missing = space - before + Table.gap.count
            } else {
                missing += space + Table.gap.count
            }
        }
        return line
    }
}

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

extension Unicode.Scalar {
    fileprivate var steersTerminal: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
