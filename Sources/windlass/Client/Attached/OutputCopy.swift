import ContainerModel
import ContainerProtocol
import MessagePack
import Synchronization
import WorkerClient

/// Copies a process's output to this program's standard streams, and keeps the offset that it has reached.
final class OutputCopy: Sendable {
    private let session: Session
    private let id: ContainerID
    private let process: ProcessName
    private let position: Mutex<Position>

    private struct Position {
        /// Nil until the first bytes arrive, if the copy begins with new output.
        var offset: UInt64?
        var isEnd = false
        var hasLost = false
        /// Since when a piece is being written; nil where none is.
        var writingSince: ContinuousClock.Instant?

        mutating func advance(to offset: UInt64) { self.offset = max(self.offset ?? 0, offset) }
    }

    init(session: Session, id: ContainerID, process: ProcessName, from start: OutputStart = .start) {
        self.session = session
        self.id = id
        self.process = process
        let offset: UInt64? =
            switch start {
            case .start: 0
            case .now: nil
            case .offset(let offset): offset
            }
        position = Mutex(Position(offset: offset))
    }

    /// Offset of the first byte that has not been copied, where it is known.
    var offset: UInt64? { position.withLock { $0.offset } }

    /// Whether output is missing from the copy.
    var hasLost: Bool { position.withLock { $0.hasLost } }

    /// Notes that output is missing; the first reason is reported.
    func lose(_ reason: @autoclosure () -> String) {
        let isFirst = position.withLock { position in
            defer { position.hasLost = true }
            return !position.hasLost
        }
        if isFirst { session.console.note(reason()) }
    }

    /// Copies pieces as they come, until the process has no more.
    func run(_ pieces: AsyncThrowingStream<OutputPiece, any Error>) async throws {
        for try await piece in pieces {
            if piece.isRestart { restart(at: piece.offset) }
            try await write(
                piece.stream, piece.offset, piece.data, dropped: piece.dropped, isLossUnknown: piece.isLossUnknown)
            if piece.isEnd { position.withLock { $0.isEnd = true } }
            // If the worker refuses it, the wait for the exit reports the reason.
            try? await session.client.acknowledge(piece)
        }
    }

    /// Between bytes that are taken while standard output is blocked.
    private static let pause = Duration.seconds(5)

    /// Keeps the hold of a lossless reader for as long as a pager or the like takes nothing.
    func keepHold() async throws {
        while true {
            try await Task.sleep(for: OutputCopy.pause)
            let since = position.withLock { $0.writingSince }
            guard let since, .now - since > OutputCopy.pause / 2 else { continue }
            await session.client.extendOutput(of: id, process)
        }
    }

    private func restart(at offset: UInt64) {
        lose("output may be missing here: the worker was started anew and has lost what it kept")
        position.withLock { $0.offset = offset }
    }

    /// Fetches the output that the pieces did not bring. Called after the exit, when nothing more is written.
    func rest() async throws {
        guard !position.withLock({ $0.isEnd }) else { return }
        do {
            while let from = offset {
                let page = try await session.call(
                    .logs, id, ["process": .string(process.rawValue), "from": .unsigned(from)])
                try await write(page: page)
                if offset == from || page["eof"]?.bool == true { return }
            }
        } catch let failure as Failure where failure.code == .notFound || failure.code == .failedPrecondition {
            // The container has been deleted already, or the worker no longer keeps its output.
        } catch is OutputClosed {
            // Standard output has no reader any more.
        }
    }

    /// Copies an answer of `logs`.
    func write(page: Value) async throws {
        var dropped = page["dropped"]?.unsigned ?? 0
        let isLossUnknown = page["dropped_unknown"]?.bool ?? false
        for chunk in page["chunks"]?.array ?? [] {
            guard let stream = chunk["stream"]?.string.flatMap(OutputStream.init(rawValue:)),
                let offset = chunk["offset"]?.unsigned, let data = chunk["data"]?.binary
            else { continue }
            try await write(stream, offset, data, dropped: dropped, isLossUnknown: isLossUnknown)
            dropped = 0
        }
        if let next = page["next"]?.unsigned { position.withLock { $0.advance(to: next) } }
    }

    private func write(
        _ stream: OutputStream, _ offset: UInt64, _ data: [UInt8], dropped: UInt64, isLossUnknown: Bool
    ) async throws {
        if dropped > 0, isLossUnknown {
            lose(
                "output is missing here, and how much is not known: it could not be had again after a restart of the worker"
            )
        } else if dropped > 0 {
            lose("\(dropped) bytes of output are missing here: the worker keeps the newest only")
        }
        position.withLock { $0.writingSince = .now }
        try await Terminal.write(data, to: stream == .stdout ? .output : .error)
        position.withLock { position in
            position.writingSince = nil
            position.advance(to: offset + UInt64(data.count))
        }
    }
}
