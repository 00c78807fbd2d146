import ContainerModel
import UnixSignals

/// A part of the terminal that is drawn repeatedly, until the user has seen enough.
struct LiveDisplay {
    /// Draws what `frame` returns, every `interval`, until Ctrl-C.
    static func run(
        every interval: Duration, _ console: Console, _ frame: @escaping @Sendable () async throws -> Table
    ) async throws {
        try Terminal.write("\u{1B}[2J\u{1B}[?25l", to: .output)
        defer { try? Terminal.write("\u{1B}[?25h", to: .output) }
        try await untilInterrupted(console) {
            while true {
                try draw(try await frame(), console)
                try await Task.sleep(for: interval)
            }
        }
    }

    /// Runs `body` until it ends, a signal asks for the end, or `limit` has passed.
    static func untilInterrupted(
        _ console: Console, until limit: Duration? = nil, _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            if let limit { group.addTask { try await Task.sleep(for: limit) } }
            group.addTask {
                for await _ in signals {
                    // The terminal has echoed ^C, and the shell's prompt is not to stand behind it.
                    if console.isTerminal { try console.line("") }
                    return
                }
                // Without signals only the body ends the display.
                try await Task.sleep(for: .seconds(Int64.max / 4))
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private static func draw(_ table: Table, _ console: Console) throws {
        let size = Terminal.size
        var lines = table.lines(colour: console.hasColour, width: size.map { Int($0.width) })
        if let height = size?.height { lines = Array(lines.prefix(max(1, Int(height) - 1))) }
        // Home; every line is cleared to its end, and what was below is cleared last: nothing flickers.
        try Terminal.write("\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J", to: .output)
    }
}
