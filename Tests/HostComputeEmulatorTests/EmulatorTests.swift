import Testing

/// All tests of the one emulator of this process: one after another, since some change its settings.
@Suite("The emulator", .serialized, .timeLimit(.minutes(2)))
struct EmulatorTests {}
