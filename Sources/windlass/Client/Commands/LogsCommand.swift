import ArgumentParser
import ContainerModel
import MessagePack
import WorkerClient

/// `windlass logs`: what a process wrote, as far as the worker keeps it.
struct LogsCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show what a process wrote.",
        discussion: "With --format json: one piece a line, its bytes as base64.")

    @OptionGroup var connection: ConnectionOptions

    @Flag(name: .shortAndLong, help: "Go on with what it writes, until it exits.")
    var follow = false

    @Option(help: "The process within the container.")
    var process = ProcessName.initial

    @Option(help: ArgumentHelp("Begin at this offset, in bytes over all its streams.", valueName: "bytes"))
    var from: UInt64 = 0

    @Argument(help: ArgumentHelp("The container.", valueName: "container"))
    var id: ContainerID

    func perform(_ session: Session) async throws {
        if follow { try await followOutput(session) } else { try await showOutput(session) }
    }

    private func showOutput(_ session: Session) async throws {
        let copy = OutputCopy(session: session, id: id, process: process)
        var offset = from
        while true {
            let page = try await session.call(
                .logs, id, ["process": .string(process.rawValue), "from": .unsigned(offset)])
            switch session.console.format {
            case .table: try await copy.write(page: page)
            case .json: for chunk in page["chunks"]?.array ?? [] { try session.console.json(chunk) }
            }
            let next = page["next"]?.unsigned ?? offset
            if next == offset || page["eof"]?.bool == true { return }
            offset = next
        }
    }

    private func followOutput(_ session: Session) async throws {
        try await print(try await session.client.output(of: id, process, from: .offset(from)), session)
    }

    private func print(_ pieces: AsyncThrowingStream<OutputPiece, any Error>, _ session: Session) async throws {
        guard session.console.format == .json else {
            return try await OutputCopy(session: session, id: id, process: process).run(pieces)
        }
        for try await piece in pieces {
            var map: Value.Map = [
                "stream": .string(piece.stream.rawValue), "offset": .unsigned(piece.offset),
                "data": .binary(piece.data),
            ]
            if piece.isEnd { map["eof"] = true }
            if piece.dropped > 0 { map["dropped"] = .unsigned(piece.dropped) }
            if piece.isRestart { map["restart"] = true }
            try session.console.json(.map(map))
            try await session.client.acknowledge(piece)
        }
    }
}
