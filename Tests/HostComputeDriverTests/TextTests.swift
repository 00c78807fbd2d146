import CHostCompute
import Testing

@Suite struct TextTests {
    private func utf16(_ bytes: [UInt8], capacity: Int = 0) -> (units: [UInt16]?, status: hc_status) {
        var status = HC_DONE
        let units = bytes.withUnsafeBytes { buffer in
            let text = hc_text(bytes: buffer.baseAddress?.assumingMemoryBound(to: CChar.self), length: buffer.count)
            return hc_utf16(text, nil, 0, &status)
        }
        guard let units else { return (nil, status) }
        defer { units.withMemoryRebound(to: CChar.self, capacity: 1) { hc_free($0) } }
        var result: [UInt16] = []
        var at = 0
        while units[at] != 0 {
            result.append(units[at])
            at += 1
        }
        return (result, status)
    }

    private func utf8(_ units: [UInt16]) -> String? {
        guard let text = hc_utf8(units + [0]) else { return nil }
        defer { hc_free(text) }
        return String(cString: text)
    }

    @Test(arguments: ["", "plain", "é", "€", "😀", "a😀b\u{FFFF}\u{10FFFF}\u{7FF}\u{800}"])
    func bothWays(text: String) {
        let converted = utf16(Array(text.utf8))
        #expect(converted.units == Array(text.utf16))
        #expect(utf8(Array(text.utf16)) == text)
    }

    @Test(
        arguments: [
            [0x61, 0, 0x62], [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0xC3, 0x28], [0xFF],
        ] as [[UInt8]])
    func refused(bytes: [UInt8]) {
        let converted = utf16(bytes)
        #expect(converted.units == nil && converted.status == HC_BAD_TEXT)
    }

    @Test func unpairedSurrogates() {
        #expect(utf8([0xD800]) == "\u{FFFD}")
        #expect(utf8([0xDC00, 0x61]) == "\u{FFFD}a")
        #expect(utf8([0xD800, 0x61]) == "\u{FFFD}a")
        #expect(utf8([0xD800, 0xD83D, 0xDE00]) == "\u{FFFD}😀")
    }

    @Test func results() {
        #expect(hc_normalise(HcsResult(bitPattern: 0x8007_0490)) == 0x490)
        #expect(hc_normalise(HcsResult(bitPattern: 0x8007_006D)) == 109)
        #expect(hc_normalise(HcsResult(bitPattern: 0xC037_010E)) == 0xC037_010E)
        #expect(hc_normalise(HcsResult(bitPattern: 0x8037_0110)) == 0x8037_0110)
    }
}
