import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// Which part of the output `logs` shows. Pure.
struct LogSelection: Sendable, Equatable {
    /// Begins at this offset, over all streams.
    var offset: UInt64 = 0
    /// Begins at this time.
    var since: Timestamp?
    /// Ends at this time.
    var until: Timestamp?
    /// Only so many of the last lines.
    var tail: Int?
    /// Whether the time of each piece is wanted.
    var hasTimes = false

    /// The parameters of the first `logs`; nothing that an older worker does not know unless it is needed.
    var first: Value.Map {
        var parameters = next(offset)
        if let since { parameters["from"] = .timestamp(since) }
        if let tail { parameters["tail"] = .int(tail) }
        return parameters
    }

    /// The parameters of a further one.
    func next(_ offset: UInt64) -> Value.Map {
        var parameters: Value.Map = ["from": .unsigned(offset)]
        if hasTimes || until != nil { parameters["times"] = true }
        return parameters
    }

    /// Whether a piece is behind the end.
    func isBehind(_ time: Timestamp?) -> Bool {
        guard let until, let time else { return false }
        return until < time
    }
}

/// `--tail`: a number of lines, or `all`.
struct LineCount: ExpressibleByArgument, Sendable, Equatable {
    /// Nil for all.
    let lines: Int?

    init?(argument: String) {
        if argument == "all" || argument == "-1" {
            lines = nil
        } else {
            guard let number = Int(argument), (0...Int(Int32.max)).contains(number) else { return nil }
            lines = number
        }
    }
}
