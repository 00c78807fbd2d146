import Logging
import Synchronization

/// What was logged.
final class LogLines: Sendable {
    struct Line: Sendable {
        var level: Logger.Level
        var text: String
    }

    private struct State {
        var lines: [Line] = []
        var waiting: [(matches: @Sendable (Line) -> Bool, found: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var all: [Line] { state.withLock { $0.lines } }

    /// Logs into this.
    var handler: any LogHandler { Handler(lines: self) }

    /// Waits for a line.
    func until(_ matches: @escaping @Sendable (Line) -> Bool) async {
        await withCheckedContinuation { found in
            let isThere = state.withLock { state in
                if state.lines.contains(where: matches) { return true }
                state.waiting.append((matches, found))
                return false
            }
            if isThere { found.resume() }
        }
    }

    private func add(_ line: Line) {
        let found = state.withLock { state in
            state.lines.append(line)
            let found = state.waiting.filter { $0.matches(line) }.map(\.found)
            state.waiting.removeAll { $0.matches(line) }
            return found
        }
        for continuation in found { continuation.resume() }
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(lines: LogLines) { self.lines = lines }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { lines.add(Line(level: event.level, text: "\(event.message)")) }
    }
}
