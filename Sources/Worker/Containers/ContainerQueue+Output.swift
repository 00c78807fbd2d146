import ContainerProtocol
import MessagePack

/// A peer that follows a process's output for as long as its credit lasts.
struct Attachment: Sendable {
    var process: ProcessName
    var route: ReplyRoute
    /// Offset of the next byte to send.
    var offset: UInt64
    /// Bytes that may still be sent.
    var credit: UInt64
    var ended: Set<OutputStream> = []
    /// Whether the peer has been told its offset: no bytes go before that.
    var isAnnounced = false
    /// Whether it is tried again in a moment, because the peer's queue was full.
    var isRetrying = false
    /// Everything has been sent; it is remembered so that credit that comes late is no error.
    var isOver = false

    /// Whether something may be sent to it now.
    var isDue: Bool { isAnnounced && !isRetrying && !isOver }
}

/// Output: spools, and the peers attached to them.
extension ContainerQueue {
    /// - Parameter number: which process of the container's it is, counted by their starts: a name may come again.
    func makeSpool(_ process: ProcessName, _ number: Int, hasTerminal: Bool) -> OutputSpool {
        let loop = services.loop
        let limit = services.configuration.limits.outputBytes
        let file = services.spools.map { $0.file(number, process, of: facts, limit: limit) }
        let spool = OutputSpool(limit: limit, hasTerminal: hasTerminal, file: file) { [weak self] in
            loop.post { [weak self] in self?.assumeIsolated { $0.send(process) } }
        }
        return spool
    }

    /// A process runs, and has its name from one that has ended, perhaps: that one's output is given up for it.
    func takeOver(_ process: ProcessName, _ spool: OutputSpool, _ number: Int, hasTerminal: Bool) {
        if kept.contains(process) { _ = self.spool(of: process) }
        dropOutput(process)
        spools[process] = spool
        spoolNumbers[process] = number
        if hasTerminal { terminals.insert(process) } else { terminals.remove(process) }
    }

    /// Gives up a process's output; those who follow it are told that it ends.
    private func dropOutput(_ process: ProcessName) {
        guard let spool = spools.removeValue(forKey: process) else { return }
        spool.endAll()
        if spool.endOffset > 0 { hadFiles = true }
        spool.removeFile()
        for var attachment in attachments where attachment.process == process && !attachment.isOver {
            _ = send(spool, to: &attachment)
        }
        attachments.removeAll { $0.process == process }
    }

    /// Processes that have ended keep their output as long as they are remembered, and all of it together is no more
    /// than a few spools' worth.
    func forgetOldOutput() {
        for name in spools.keys where name != .initial && state.processes[name] == nil { dropOutput(name) }
        let ended = state.processes.filter { $0.value.state == .stopped && spools[$0.key] != nil }
        var kept = ended.keys.reduce(0) { $0 + (spools[$1]?.keptBytes ?? 0) }
        let limit = 4 * services.configuration.limits.outputBytes
        guard kept > limit else { return }
        for (name, _) in ended.sorted(by: { ($0.value.exit?.at ?? .epoch) < ($1.value.exit?.at ?? .epoch) }) {
            kept -= spools[name]?.keptBytes ?? 0
            dropOutput(name)
            if kept <= limit { return }
        }
    }

    /// The output of a process; of one that ended before the worker began it is fetched from where it is kept.
    private func spool(of process: ProcessName) -> OutputSpool? {
        if let spool = spools[process] { return spool }
        guard kept.remove(process) != nil, services.spools != nil else { return nil }
        let spool = makeSpool(process, spoolNumbers[process] ?? 0, hasTerminal: terminals.contains(process))
        spool.load()
        spool.endAll()
        spools[process] = spool
        hadFiles = true
        return spool
    }

    /// Whether there may be a folder of output.
    var hasFiles: Bool { hadFiles || !kept.isEmpty || spools.values.contains { $0.endOffset > 0 } }

    /// The container is down: nobody will write any more.
    func endOutput() {
        for spool in spools.values { spool.endAll() }
    }

    func attach(_ request: Command.Attach, _ responder: Responder) {
        guard let spool = spool(of: request.process) else { return responder.fail(noOutput(request.process)) }
        let route = responder.route
        let limit = services.configuration.limits.attachments
        attachments.removeAll { $0.process == request.process && $0.route == route }
        // Whoever has been attached longest makes room: a peer that died quietly is among them.
        if attachments.count >= limit { attachments.removeFirst(attachments.count - limit + 1) }
        let end = spool.endOffset
        let offset =
            switch request.from {
            case .start: UInt64(0)
            case .now: end
            case .offset(let offset): min(offset, end)
            }
        attachments.append(
            Attachment(process: request.process, route: route, offset: offset, credit: request.credit))
        spool.watch(true)
        responder.succeed(["offset": .int(offset)] as Value)
        // Behind the reply: the peer must know the offset before it sees the bytes.
        services.events.assumeIsolated { events in
            events.whenPublished { [weak self] in self?.assumeIsolated { $0.announced(request.process, route) } }
        }
    }

    private func announced(_ process: ProcessName, _ route: ReplyRoute) {
        guard let index = attachments.firstIndex(where: { $0.process == process && $0.route == route }) else { return }
        attachments[index].isAnnounced = true
        send(process)
    }

    func credit(_ process: ProcessName, _ bytes: UInt64, _ responder: Responder) {
        guard let index = attachments.firstIndex(where: { $0.process == process && $0.route == responder.route }) else {
            guard spool(of: process) != nil else { return responder.fail(noOutput(process)) }
            return responder.fail(
                Failure(
                    .failedPrecondition, "this peer is not attached to \(process) of \(id); attach first",
                    details: ["state": .string(state.wire.rawValue)]))
        }
        attachments[index].credit = min(attachments[index].credit + bytes, 1 << 40)
        responder.succeed([:] as Value)
        send(process)
    }

    func detach(_ process: ProcessName, _ responder: Responder) {
        guard spool(of: process) != nil else { return responder.fail(noOutput(process)) }
        attachments.removeAll { $0.process == process && $0.route == responder.route }
        unwatch(process)
        responder.succeed([:] as Value)
    }

    func logs(_ request: Command.Logs, _ responder: Responder) {
        guard let spool = spool(of: request.process) else { return responder.fail(noOutput(request.process)) }
        // A reply must fit in a message that a careful peer accepts.
        let limit = min(request.limit, services.configuration.limits.messageBytes / 8)
        let page = spool.read(from: request.from, limit: limit)
        let dropped = page.chunks.reduce(0) { $0 + $1.dropped }
        let chunks = page.chunks.map { chunk -> Value in
            ["stream": .string(chunk.stream.rawValue), "offset": .int(chunk.offset), "data": .binary(chunk.data)]
        }
        responder.succeed(
            ["chunks": .array(chunks), "next": .int(page.next), "eof": .bool(page.isEnd), "dropped": .int(dropped)]
                as Value)
    }

    private func noOutput(_ process: ProcessName) -> Failure {
        if process == .initial, facts.startedAt == nil {
            return Failure(
                .failedPrecondition, "\(id) has not been started, so that there is no output yet",
                details: ["state": .string(state.wire.rawValue)])
        }
        guard process == .initial || state.processes[process] != nil else { return .noProcess(process, id) }
        return Failure(
            .failedPrecondition, "the output of process \(process) of \(id) is not kept any more",
            details: ["state": .string(state.wire.rawValue)])
    }

    /// Sends attached peers what their credit allows.
    func send(_ process: ProcessName) {
        guard let spool = spools[process] else { return }
        var hasMore = false
        for index in attachments.indices.reversed()
        where attachments[index].process == process && attachments[index].isDue {
            switch send(spool, to: &attachments[index]) {
            case .caughtUp: break
            case .more: hasMore = true
            case .full: retryLater(&attachments[index])
            case .over: attachments[index].isOver = true
            case .gone: attachments.remove(at: index)
            }
        }
        unwatch(process)
        // A long output is sent over several turns of the loop, so that others get theirs.
        if hasMore { services.loop.post { [weak self] in self?.assumeIsolated { $0.send(process) } } }
    }

    private enum Progress {
        case caughtUp, more, full, over, gone
    }

    /// Bytes of one notification, and of one turn of the loop.
    private static let pieceSize = 64 * 1024
    private static let turnSize = 1 << 20

    private func send(_ spool: OutputSpool, to attachment: inout Attachment) -> Progress {
        var left = ContainerQueue.turnSize
        while true {
            let limit = Int(min(attachment.credit, UInt64(ContainerQueue.pieceSize)))
            let page = spool.read(from: attachment.offset, limit: limit)
            for chunk in page.chunks {
                switch notify(attachment, chunk) {
                case .sent: break
                case .full: return .full
                case .unreachable: return .gone
                }
                attachment.offset = chunk.offset + UInt64(chunk.data.count)
                attachment.credit -= UInt64(chunk.data.count)
                left -= chunk.data.count
            }
            if page.isEnd { return sendEnds(page.ended, page.next, &attachment) }
            if page.chunks.isEmpty { return .caughtUp }
            if left <= 0 { return .more }
        }
    }

    /// Each stream's end is told once, when everything before it has been sent; after the last nothing follows.
    private func sendEnds(_ ended: Set<OutputStream>, _ offset: UInt64, _ attachment: inout Attachment) -> Progress {
        for stream in OutputStream.allCases where ended.contains(stream) && !attachment.ended.contains(stream) {
            var chunk = OutputSpool.Chunk(stream: stream, offset: offset, data: [])
            chunk.isEnd = true
            switch notify(attachment, chunk) {
            case .sent: attachment.ended.insert(stream)
            case .full: return .full
            case .unreachable: return .gone
            }
        }
        return .over
    }

    private func notify(_ attachment: Attachment, _ chunk: OutputSpool.Chunk) -> CommandGateway.Delivery {
        let output = Output(id: id, process: attachment.process, chunk: chunk)
        return pool.gateway.assumeIsolated { $0.notify(attachment.route, output) }
    }

    /// The peer's queue is full: it reads slowly, and is tried again when it may have read.
    private func retryLater(_ attachment: inout Attachment) {
        attachment.isRetrying = true
        let (process, route) = (attachment.process, attachment.route)
        services.loop.schedule(after: .milliseconds(20)) { [weak self] in
            self?.assumeIsolated { queue in
                for index in queue.attachments.indices
                where queue.attachments[index].process == process && queue.attachments[index].route == route {
                    queue.attachments[index].isRetrying = false
                }
                queue.send(process)
            }
        }
    }

    private func unwatch(_ process: ProcessName) {
        if !attachments.contains(where: { $0.process == process && !$0.isOver }) { spools[process]?.watch(false) }
    }
}

/// The `output` notification's one parameter.
struct Output: WireEncodable {
    let id: ContainerID
    let process: ProcessName
    let chunk: OutputSpool.Chunk

    func encode(to writer: Writer) {
        writer.map(5 + (chunk.isEnd ? 1 : 0) + (chunk.dropped > 0 ? 1 : 0))
        writer.string("id")
        writer.string(id.rawValue)
        writer.string("process")
        writer.string(process.rawValue)
        writer.string("stream")
        writer.string(chunk.stream.rawValue)
        writer.string("offset")
        writer.unsigned(chunk.offset)
        writer.string("data")
        chunk.data.withUnsafeBytes { writer.binary($0) }
        if chunk.isEnd {
            writer.string("eof")
            writer.bool(true)
        }
        if chunk.dropped > 0 {
            writer.string("dropped")
            writer.unsigned(chunk.dropped)
        }
    }
}
