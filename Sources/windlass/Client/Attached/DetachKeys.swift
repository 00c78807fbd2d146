import ArgumentParser

/// Finds among the keys of a terminal those with which a user leaves a process: Ctrl-P Ctrl-Q, as with Docker and
/// Podman, or others.
struct DetachKeys: ExpressibleByArgument, Sendable, Equatable {
    private let keys: [UInt8]
    private let text: String
    /// How many of the keys have been typed.
    private var typed = 0

    init() {
        keys = [0x10, 0x11]
        text = "ctrl-p,ctrl-q"
    }

    /// Keys separated by commas: one letter, or `ctrl-` and one of `a` to `z`, `@`, `[`, `\`, `]`, `^` or `_`. Empty for
    /// none.
    init?(argument: String) {
        var keys: [UInt8] = []
        for part in argument.isEmpty ? [] : argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let key = DetachKeys.key(part) else { return nil }
            keys.append(key)
        }
        self.keys = keys
        text = argument
    }

    var defaultValueDescription: String { text }

    private static func key(_ text: Substring) -> UInt8? {
        let lower = text.lowercased()
        guard lower.hasPrefix("ctrl-") else {
            guard text.utf8.count == 1, let byte = text.utf8.first, (0x20..<0x7F).contains(byte) else { return nil }
            return byte
        }
        let name = lower.dropFirst(5)
        guard name.utf8.count == 1, let byte = name.uppercased().utf8.first, (0x40...0x5F).contains(byte) else {
            return nil
        }
        return byte & 0x1F
    }

    /// - Returns: the bytes to hand on, and whether the user leaves; what was typed after that goes nowhere.
    mutating func filter(_ bytes: [UInt8]) -> (passed: [UInt8], isDetach: Bool) {
        guard !keys.isEmpty else { return (bytes, false) }
        var passed: [UInt8] = []
        for byte in bytes {
            // What looked like the beginning of the keys was typed for the process.
            while typed > 0, byte != keys[typed] {
                let held = Array(keys[..<typed])
                typed = DetachKeys.overlap(of: held, with: keys)
                passed += held.dropLast(typed)
            }
            guard byte == keys[typed] else {
                passed.append(byte)
                continue
            }
            typed += 1
            if typed == keys.count { return (passed, true) }
        }
        return (passed, false)
    }

    /// How many keys at the end of `held`, but not all of them, are the beginning of `keys`.
    private static func overlap(of held: [UInt8], with keys: [UInt8]) -> Int {
        (0..<held.count).last { held.suffix($0).elementsEqual(keys.prefix($0)) } ?? 0
    }
}

extension ArgumentHelp {
    /// Of `--detach-keys`.
    static var detachKeys: ArgumentHelp {
        ArgumentHelp("The keys with which you leave it; empty for none.", valueName: "keys")
    }
}
