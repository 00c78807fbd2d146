import Testing

/// Runs each test twice: against the emulator of this process, and over the socket of a service, whose client must see
/// no difference.
struct BothWays: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await Host.$way.withValue(.direct) { try await function() }
        try await Host.$way.withValue(.overSocket) {
            // The service begins with the settings of all tests, not in the middle of one that changes them.
            _ = Host.table
            try await function()
        }
    }
}

extension Trait where Self == BothWays {
    /// Runs each test directly and over a socket.
    static var bothWays: BothWays { BothWays() }
}
