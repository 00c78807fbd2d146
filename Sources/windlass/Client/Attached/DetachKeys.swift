/// Finds Ctrl-P Ctrl-Q among the keys of a terminal: the keys with which users of Docker and Podman leave a container.
struct DetachKeys {
    private static let first: UInt8 = 0x10
    private static let second: UInt8 = 0x11
    private var isHalfway = false

    /// - Returns: the bytes to hand on, and whether the user leaves; what was typed after that goes nowhere.
    mutating func filter(_ bytes: [UInt8]) -> (passed: [UInt8], isDetach: Bool) {
        var passed: [UInt8] = []
        for byte in bytes {
            if isHalfway {
                if byte == DetachKeys.second { return (passed, true) }
                passed.append(DetachKeys.first)
                isHalfway = false
            }
            if byte == DetachKeys.first { isHalfway = true } else { passed.append(byte) }
        }
        return (passed, false)
    }
}
