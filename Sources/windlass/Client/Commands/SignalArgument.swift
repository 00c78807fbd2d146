import MessagePack

/// A signal as a person writes it.
struct SignalArgument {
    /// A number where it is one, a name else.
    static func value(_ text: String) -> Value { UInt64(text).map { .unsigned($0) } ?? .string(text) }

    /// The names that a shell completes.
    static let names = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
        "TERM", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
        "PWR", "SYS",
    ]
}
