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

    /// Texts are cut, columns left out by their rank, and the line at last.
    @Test(arguments: [5, 12, 20, 30, 50, 80, 200])
    func noLineIsWiderThanTheTerminal(_ width: Int) {
        var table = Table(
            .flexible("NAME"), .flexible("COMMAND").rank(2), .number("PID").rank(1), .flexible("LABELS").rank(3))
        table.add("a-rather-long-name-of-a-container", "/bin/sh -c 'sleep 1000; exit 3'", "12345", "a=b,c=d")
        table.add("web", "日本語日本語日本語日本語日本語", "7", "")
        for line in table.lines(width: width) { #expect(line.columns <= width, "\(line)") }
        #expect(!table.lines(width: 30)[0].contains("LABELS"))
        #expect(table.lines(width: 80)[0].contains("LABELS"))
    }

    @Test func wideLettersTakeTwoColumns() {
        #expect("日本".columns == 4)
        #expect("e\u{301}a".columns == 2)
        #expect("日本語".prefix(columns: 5) == "日本")
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
