import Testing

@testable import windlass

/// How the keys that leave a container are found.
struct DetachKeysTests {
    @Test func otherKeysPass() {
        var keys = DetachKeys()
        #expect(keys.filter(Array("abc".utf8)) == (Array("abc".utf8), false))
    }

    @Test func otherKeys() throws {
        var keys = try #require(DetachKeys(argument: "ctrl-a,ctrl-a,x"))
        #expect(keys.filter([1, 1, 1, 120, 9]) == ([1], true))
        var none = try #require(DetachKeys(argument: ""))
        #expect(none.filter([0x10, 0x11]) == ([0x10, 0x11], false))
        #expect(DetachKeys(argument: "ctrl-@,ctrl-_") != nil)
        for text in ["ctrl-", "ctrl-ab", "ab", "ctrl-1", "a,"] { #expect(DetachKeys(argument: text) == nil, "\(text)") }
    }

    @Test func bothKeysLeave() {
        var keys = DetachKeys()
        #expect(keys.filter([97, 0x10, 0x11, 98]) == ([97], true))
    }

    @Test func theKeysMayComeOneByOne() {
        var keys = DetachKeys()
        #expect(keys.filter([0x10]) == ([], false))
        #expect(keys.filter([0x11]) == ([], true))
    }

    @Test func theFirstKeyAloneIsHandedOnWithTheNext() {
        var keys = DetachKeys()
        #expect(keys.filter([0x10]) == ([], false))
        #expect(keys.filter([97]) == ([0x10, 97], false))
        #expect(keys.filter([0x10, 0x10, 0x11]) == ([0x10], true))
    }
}
