import Foundation
import Testing

/// ROWS.md names tests that are there, and leaves no numbered row out.
@Suite struct RowsTests {
    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let targets = [
        "D": "HostComputeDriverTests", "E": "HostComputeEmulatorTests", "W": "WorkerTests", "X": "EndToEndTests",
    ]

    /// The rows: their names and what is said of them.
    private func rows() throws -> [(name: String, text: String)] {
        let text = try String(contentsOf: Self.here.appendingPathComponent("ROWS.md"), encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 2, !["Row", "---"].contains(cells[0]) else { return nil }
            return (cells[0], cells[1])
        }
    }

    @Test func everyNamedTestExists() throws {
        var sources: [String: String] = [:]
        var count = 0
        for row in try rows() {
            let names = row.text.matches(of: /`([DEWX])\/([\w+]+)\.(\w+)`/)
            #expect(!names.isEmpty || row.text.hasPrefix("not tested"), "\(row.name) has no test and no reason")
            for name in names {
                let target = try #require(Self.targets[String(name.1)])
                let path = "\(target)/\(name.2).swift"
                let file = Self.here.deletingLastPathComponent().appendingPathComponent(path)
                let source = try sources[path] ?? String(contentsOf: file, encoding: .utf8)
                sources[path] = source
                let function = try #require(source.range(of: "func \(name.3)("), "\(row.name): \(name.0)")
                // What is a test says so since the function before it.
                let before = source[..<function.lowerBound]
                let since = before.range(of: "func ", options: .backwards)?.upperBound ?? before.startIndex
                #expect(before[since...].contains("@Test"), "\(row.name): \(name.0) is no test")
                count += 1
            }
        }
        #expect(count > 100)
    }

    @Test func noNumberedRowIsLeftOut() throws {
        let names = try rows().map(\.name)
        for (section, last) in [("F.11", 17), ("G.2", 7), ("I.2", 16)] {
            #expect(names.filter { $0.hasPrefix(section + ".") } == (1...last).map { "\(section).\($0)" })
        }
        // These stand by subject.
        for (section, last) in [("A", 13), ("C", 12)] {
            let found = names.filter { $0.hasPrefix(section + ".") }
            #expect(found.count == last && Set(found) == Set((1...last).map { "\(section).\($0)" }))
        }
    }
}
