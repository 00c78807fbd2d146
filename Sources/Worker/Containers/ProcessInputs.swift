import ContainerDriver
import ContainerModel
import ContainerProtocol

/// The standard inputs of one container's processes, and how much each has taken. Pure but for the writes themselves.
struct ProcessInputs {
    private struct Entry {
        var input: any ProcessInput
        /// Bytes that were accepted since the process was started; nil where a worker before this one counted them.
        var accepted: UInt64?
        var isEnded = false
    }

    /// Why an offset cannot be served.
    enum Refusal: Error, Equatable {
        /// The process has no standard input.
        case none
        /// Bytes between what was accepted and the offset are missing.
        case gap(accepted: UInt64)
        /// How many bytes the worker before this one accepted is not known.
        case unknownPosition
        case driver(DriverFailure)
    }

    private var entries: [ProcessName: Entry] = [:]

    /// A process was started.
    mutating func add(_ process: ProcessName, _ input: (any ProcessInput)?) {
        entries[process] = input.map { Entry(input: $0, accepted: 0) }
    }

    /// The inputs of processes that were found again replace what there was.
    mutating func reattach(_ inputs: [ProcessName: any ProcessInput]) {
        entries = inputs.reduce(into: [:]) { entries, found in
            let former = self.entries[found.key]
            entries[found.key] = Entry(
                input: found.value, accepted: former?.accepted ?? found.value.position,
                isEnded: former?.isEnded ?? false)
        }
    }

    /// A process has ended.
    mutating func remove(_ process: ProcessName) { entries[process] = nil }

    /// Writes bytes, and ends the input behind them where `end` is true. Never blocks.
    /// - Parameter offset: where the bytes begin, counted from the process's start: what was accepted before is
    ///   skipped, so that a repeat is harmless. Nil appends.
    /// - Returns: how many of `bytes` are accepted by now, those that were skipped included.
    mutating func write(
        _ bytes: [UInt8], at offset: UInt64?, end: Bool, to process: ProcessName
    ) throws(Refusal) -> Int {
        guard let entry = entries[process] else { throw .none }
        var skipped = 0
        if let offset {
            guard let accepted = entry.accepted else {
                // A lost input fails with its own reason first.
                do throws(DriverFailure) { _ = try entry.input.write([], end: false) } catch { throw .driver(error) }
                throw .unknownPosition
            }
            guard offset <= accepted else { throw .gap(accepted: accepted) }
            skipped = Int(min(accepted - offset, UInt64(bytes.count)))
            // A repeat of what was accepted, the end included, changes nothing.
            if skipped == bytes.count, !end || entry.isEnded { return skipped }
        }
        let count: Int
        do throws(DriverFailure) {
            count = try entry.input.write(skipped == 0 ? bytes : Array(bytes.dropFirst(skipped)), end: end)
        } catch {
            throw .driver(error)
        }
        entries[process]?.accepted = entry.accepted.map { $0 + UInt64(count) }
        if end, skipped + count == bytes.count { entries[process]?.isEnded = true }
        return skipped + count
    }
}
