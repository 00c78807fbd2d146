import Testing

@testable import windlass

/// How tables are laid out.
struct TableTests {
    private func sample() -> Table {
        var table = Table("NAME", .number("SIZE"), "NOTE")
        table.add("web", "7", Table.Cell("fine", .green))
        table.add("database", "1234", "")
        table.add("x", "", "a longer note")
        return table
    }

    @Test func columnsAreAsWideAsTheirWidestText() {
        #expect(
            sample().lines() == [
                "NAME       SIZE   NOTE",
                "web           7   fine",
                "database   1234",
                "x                 a longer note",
            ])
    }

    @Test func noLineEndsInSpaces() {
        for line in sample().lines() { #expect(line.last != " ") }
    }

    @Test func anEmptyTableIsItsHeading() {
        #expect(Table("ONE", "TWO").lines() == ["ONE   TWO"])
    }

    @Test func theLastColumnIsCutToTheTerminal() {
        let lines = sample().lines(width: 28)
        #expect(lines[3] == "x                 a longer …")
        #expect(lines.allSatisfy { $0.count <= 28 })
    }

    @Test func aNarrowTerminalLeavesTheLastColumnReadable() {
        #expect(sample().lines(width: 5)[3] == "x                 a longe…")
    }

    @Test func colourDoesNotMoveColumns() {
        let lines = sample().lines(colour: true)
        #expect(lines[1] == "web           7   \u{1B}[32mfine\u{1B}[0m")
    }

    @Test func textsCannotSteerTheTerminal() {
        var table = Table("LABEL")
        table.add(Table.Cell("a\u{1B}[31mred\nnew\u{202E}line"))
        #expect(table.lines()[1] == #"a\u{1b}[31mred\u{a}new\u{202e}line"#)
    }
}
