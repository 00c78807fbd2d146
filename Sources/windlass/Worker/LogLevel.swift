import Logging
import Synchronization

/// How much is logged, of all loggers of the process: it can change while they are in use.
final class LogLevel: Sendable {
    static let shared = LogLevel()

    private static let all = Logger.Level.allCases
    private let place = Atomic(LogLevel.all.firstIndex(of: .info) ?? 0)

    var level: Logger.Level { LogLevel.all[place.load(ordering: .relaxed)] }

    func set(_ level: Logger.Level) {
        if let index = LogLevel.all.firstIndex(of: level) { place.store(index, ordering: .relaxed) }
    }

    /// Takes a level by its name.
    func set(_ name: String) { set(Logger.Level(rawValue: name) ?? .info) }
}
