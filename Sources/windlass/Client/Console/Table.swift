/// Rows of text in aligned columns.
struct Table: Sendable {
    /// A heading, which side its column's texts stand on, and what becomes of it where there is little room.
    struct Column: Sendable, ExpressibleByStringLiteral {
        var title: String
        var isNumeric = false
        /// Whether its texts may be cut to fit the terminal.
        var isFlexible = false
        /// Columns with higher numbers are left out first where there is no room; those with 0 stay.
        var rank = 0

        init(stringLiteral title: String) { self.title = title }

        /// A column of numbers, which end at the right.
        static func number(_ title: String) -> Column {
            var column = Column(stringLiteral: title)
            column.isNumeric = true
            return column
        }

        /// A column whose texts may be cut.
        static func flexible(_ title: String) -> Column {
            var column = Column(stringLiteral: title)
            column.isFlexible = true
            return column
        }

        /// The column, left out before those of a lower rank.
        func rank(_ rank: Int) -> Column {
            var column = self
            column.rank = rank
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
    /// - Parameter width: the most columns of a line: texts are cut and columns left out until it fits.
    func lines(colour: Bool = false, width: Int? = nil) -> [String] {
        let heading = columns.map { Cell($0.title, .bold) }
        var natural = columns.map(\.title.columns)
        for row in rows {
            for (index, cell) in row.enumerated() where index < natural.count {
                natural[index] = max(natural[index], cell.text.columns)
            }
        }
        let layout = width.map { fit(natural, $0) } ?? natural.enumerated().map { ($0.offset, $0.element) }
        return ([heading] + rows).map { line($0, layout, colour) }
    }

    private static let gap = "   "
    private static let narrowest = 8

    /// The columns that fit into `limit`, and their widths.
    private func fit(_ natural: [Int], _ limit: Int) -> [(column: Int, width: Int)] {
        var shown = Array(natural.indices)
        while true {
            var widths = Dictionary(uniqueKeysWithValues: shown.map { ($0, natural[$0]) })
            var excess = widths.values.reduce(0, +) + max(0, shown.count - 1) * Table.gap.count - limit
            // The widest is cut first, so that short texts stay whole.
            while excess > 0 {
                let flexible = shown.filter { isFlexible($0) && widths[$0, default: 0] > Table.narrowest }
                guard let widest = flexible.max(by: { widths[$0, default: 0] < widths[$1, default: 0] }) else { break }
                widths[widest, default: 0] -= 1
                excess -= 1
            }
            let least = shown.filter { columns[$0].rank > 0 }.max { columns[$0].rank < columns[$1].rank }
            guard excess > 0, let least else { return cut(shown.map { ($0, widths[$0, default: 0]) }, limit) }
            shown.removeAll { $0 == least }
        }
    }

    /// The columns that are left, cut at the end of the line where even they are too wide.
    private func cut(_ layout: [(column: Int, width: Int)], _ limit: Int) -> [(column: Int, width: Int)] {
        var room = limit
        var fitting: [(column: Int, width: Int)] = []
        for (column, width) in layout {
            guard room > 0 else { break }
            fitting.append((column, min(width, room)))
            room -= width + Table.gap.count
        }
        return fitting
    }

    /// The last column may always be cut.
    private func isFlexible(_ index: Int) -> Bool { columns[index].isFlexible || index == columns.count - 1 }

    private func line(_ cells: [Cell], _ layout: [(column: Int, width: Int)], _ colour: Bool) -> String {
        var line = ""
        var missing = 0
        for (index, width) in layout where index < cells.count {
            let cell = cells[index]
            let text = cell.text.columns > width ? cell.text.prefix(columns: max(0, width - 1)) + "…" : cell.text
            let space = max(0, width - text.columns)
            let before = columns[index].isNumeric ? space : 0
            // Spaces are written when something follows them, so that no line ends in spaces.
            if !text.isEmpty {
                line += String(repeating: " ", count: missing + before)
                line += colour ? cell.style?.apply(to: text) ?? text : text
                missing = space - before + Table.gap.count
            } else {
                missing += space + Table.gap.count
            }
        }
        return line
    }
}
