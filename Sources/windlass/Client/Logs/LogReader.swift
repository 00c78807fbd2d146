import ContainerModel
import ContainerProtocol
import MessagePack
import WorkerClient

/// Shows the output of one process for `logs`.
struct LogReader: Sendable {
    let session: Session
    let id: ContainerID
    let process: ProcessName
    let selection: LogSelection
    var lines: LogLines
    let isOneOfSeveral: Bool
    /// Where to go on, once that is known.
    private var offset: UInt64?

    init(
        session: Session, id: ContainerID, process: ProcessName, selection: LogSelection,
        lines: LogLines,
        isOneOfSeveral: Bool
    ) {
        self.session = session
        self.id = id
        self.process = process
        self.selection = selection
        self.lines = lines
        self.isOneOfSeveral = isOneOfSeveral
    }

    /// Shows what is kept.
    /// - Returns: false where the end of the selection or of the output was reached.
    mutating func showKept() async throws -> Bool {
        while true {
            var parameters = offset.map { selection.next($0) } ?? selection.first
            parameters["process"] = .string(process.rawValue)
            let page = try await session.call(.logs, id, parameters)
            report(page["dropped"]?.unsigned ?? 0, isUnknown: page["dropped_unknown"]?.bool ?? false)
            for chunk in page["chunks"]?.array ?? [] {
                guard let stream = chunk["stream"]?.string.flatMap(OutputStream.init(rawValue:)),
                    let data = chunk["data"]?.binary
                else { continue }
                let time = chunk["time"]?.timestamp
                guard !selection.isBehind(time) else { return try await end() }
                try await write(stream, data, time, chunk)
            }
            let next = page["next"]?.unsigned ?? offset ?? 0
            if page["eof"]?.bool == true { return try await end() }
            let isSame = next == offset
            offset = next
            if isSame || page["chunks"]?.array?.isEmpty == true { return true }
        }
    }

    /// Shows what is kept and what comes, until the process has no more.
    mutating func follow() async throws {
        guard try await showKept() else { return }
        for try await piece in try await session.client.output(
            of: id, process, from: .offset(offset ?? 0))
        {
            if piece.isRestart {
                session.console.note(
                    "output may be missing here: the worker was started anew and has lost what it kept")
                offset = piece.offset
            }
            try await session.client.acknowledge(piece)
            if selection.hasTimes {
                // The piece says that there is something; the times are in the worker's answer.
                guard try await showKept() else { return }
                continue
            }
            report(piece.dropped, isUnknown: piece.isLossUnknown)
            if !piece.data.isEmpty {
                let chunk: Value = [
                    "stream": .string(piece.stream.rawValue), "offset": .unsigned(piece.offset),
                    "data": .binary(piece.data),
                ]
                try await write(piece.stream, piece.data, nil, chunk)
            }
            offset = piece.offset + UInt64(piece.data.count)
        }
        _ = try await end()
    }

    private func report(_ dropped: UInt64, isUnknown: Bool) {
        guard dropped > 0, selection.tail == nil, selection.since == nil else { return }
        let place = isOneOfSeveral ? "\(id): " : ""
        session.console.note(
            isUnknown
                ? "\(place)output is missing here, and how much is not known: it could not be had again after a restart of "
                    + "the worker"
                : "\(place)\(dropped) bytes of output are missing here: the worker keeps the newest only")
    }

    private mutating func write(
        _ stream: OutputStream, _ data: [UInt8], _ time: Timestamp?, _ chunk: Value
    ) async throws {
        switch session.console.format {
        case .table: try await print(stream, lines.take(stream, data, at: time))
        case .json:
            var map = chunk.map ?? [:]
            if isOneOfSeveral { map["id"] = .string(id.rawValue) }
            try session.console.json(.map(map))
        }
    }

    private mutating func end() async throws -> Bool {
        for stream in [OutputStream.stdout, .stderr] { try await print(stream, lines.end(stream)) }
        return false
    }

    private func print(_ stream: OutputStream, _ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await Terminal.write(bytes, to: stream == .stdout ? .output : .error) }
    }
}
