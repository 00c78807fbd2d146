import ContainerDriver

/// The numbers of Linux's signals. Pure.
enum SignalNumbers {
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10,
        "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18, "STOP": 19,
        "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27, "WINCH": 28,
        "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31, "RTMIN": 34, "RTMAX": 64,
    ]

    /// The signal's number.
    static func number(_ signal: Signal) throws(DriverFailure) -> Int32 {
        switch signal {
        case .graceful: return 15
        case .number(let number):
            guard (1...64).contains(number) else {
                throw DriverFailure(.invalidArgument, "signal \(number) is none of this host's, which are 1 to 64")
            }
            return Int32(number)
        case .name(let given):
            let upper = given.uppercased()
            let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
            if let number = numbers[name] { return number }
            if let number = realTime(name) { return number }
            throw DriverFailure(
                .invalidArgument,
                "there is no signal \"\(given.prefix(40))\"; use TERM, KILL, INT, HUP, USR1 or another of Linux's")
        }
    }

    /// `RTMIN+3` or `RTMAX-1`.
    private static func realTime(_ name: String) -> Int32? {
        let isFirst = name.hasPrefix("RTMIN+")
        guard isFirst || name.hasPrefix("RTMAX-"), let offset = Int32(name.dropFirst(6)), (0...30).contains(offset)
        else {
            return nil
        }
        return isFirst ? 34 + offset : 64 - offset
    }
}
