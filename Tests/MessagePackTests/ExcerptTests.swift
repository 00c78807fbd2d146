import MessagePack
import Testing

/// What a message quotes of a peer's text.
struct ExcerptTests {
    @Test(
        arguments: [
            ("", ""), ("grace", "grace"), ("ä ö\\\"", "ä ö\\\""), ("a\u{1b}[31m\n\0", "a\\u{1B}[31m\\n\\0"),
            ("\u{202e}x", "\\u{202E}x"), (String(repeating: "x", count: 64), String(repeating: "x", count: 64)),
            (String(repeating: "x", count: 65), String(repeating: "x", count: 64) + "…"),
        ])
    func quoted(_ text: String, _ excerpt: String) { #expect(Excerpt(text).description == excerpt) }

    @Test func oneCharacterMayBeLong() {
        let text = "x" + String(repeating: "\u{301}", count: 1_000_000)
        #expect(text.count == 1 && Excerpt(text).description.unicodeScalars.count == 65)
    }
}
