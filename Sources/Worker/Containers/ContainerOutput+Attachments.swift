import ContainerModel
import ContainerProtocol
import MessagePack

/// The peers that follow a process.
extension ContainerOutput {

    /// Whether somebody still reads, or is going to.
    var hasReaders: Bool { attachments.contains(where: \.isOpen) || entries.values.contains(where: \.isReserved) }

    /// Attaches the peer that sent the request of `responder`, and replies.
    func attach(_ request: Command.Attach, _ spool: OutputSpool, _ responder: Responder) {
        let limit = services.configuration.limits.attachments
        attachments.removeAll { $0.process == request.process && $0.isOf(responder) }
        // The peer that has been attached longest makes room: one that died quietly may be among them.
        if attachments.count >= limit { attachments.removeFirst(attachments.count - limit + 1) }
        let end = spool.endOffset
        let offset =
            switch request.from {
            case .start: UInt64(0)
            case .now: end
            case .offset(let offset): min(offset, end)
            }
        attachments.append(
            Attachment(
                id, request.process, responder, offset: offset, credit: request.credit, holds: request.lossless))
        if request.lossless { entries[request.process]?.isReserved = false }
        updateHold(request.process)
        spool.watch(true)
        responder.succeed(["offset": .int(offset)] as Value)
        // Behind the reply: the peer must know the offset before it sees the bytes.
        services.outbox.afterCommit { [self] in
            for index in attachments.indices where attachments[index].number == responder.number {
                attachments[index].begin()
            }
            send(request.process)
        }
    }

    /// Grants the peer more credit.
    /// - Returns: false where it is not attached.
    func credit(_ process: ProcessName, _ bytes: UInt64, _ responder: Responder) -> Bool {
        guard let index = attachments.firstIndex(where: { $0.process == process && $0.isOf(responder) }) else {
            return false
        }
        attachments[index].add(credit: bytes)
        return true
    }

    /// Detaches the peer.
    func detach(_ process: ProcessName, _ responder: Responder) {
        attachments.removeAll { $0.process == process && $0.isOf(responder) }
        updateHold(process)
        unwatchIfAlone(process)
        readerDone()
    }

    /// Between attempts to send to a peer whose queue was full.
    private static let patience = Duration.milliseconds(20)

    /// Sends attached peers what their credit allows.
    func send(_ process: ProcessName) {
        guard let spool = entries[process]?.spool else { return }
        var (hasMore, isWaiting, isDone) = (false, false, false)
        var lost: String?
        for index in attachments.indices.reversed() where attachments[index].process == process {
            switch attachments[index].send(spool) {
            case .caughtUp: break
            case .over: isDone = true
            case .more: hasMore = true
            case .full: isWaiting = true
            case .gone:
                if attachments[index].holds { lost = "its connection is gone" }
                attachments.remove(at: index)
                isDone = true
            }
        }
        updateHold(process)
        watchStalls(process)
        unwatchIfAlone(process)
        if let lost { holdLost(process, lost) }
        // A long output is sent over several turns of the loop, so that others get theirs.
        if hasMore, sending.insert(process).inserted {
            services.loop.schedule(after: .zero) { [weak self] in
                self?.sending.remove(process)
                self?.send(process)
            }
        }
        if isWaiting {
            services.loop.schedule(after: ContainerOutput.patience) { [weak self] in self?.retry(process) }
        }
        if isDone { readerDone() }
    }

    private func retry(_ process: ProcessName) {
        for index in attachments.indices where attachments[index].process == process { attachments[index].retry() }
        send(process)
    }

    private func unwatchIfAlone(_ process: ProcessName) {
        if !attachments.contains(where: { $0.process == process && $0.isOpen }) {
            entries[process]?.spool?.watch(false)
        }
    }

    // MARK: Lossless readers

    /// A lossless reader of a process has lost its hold.
    func holdLost(_ process: ProcessName, _ reason: String) {
        services.pool.container(id)?.enter { $0.noteLostHold(process, reason) }
    }

    /// A reader is gone, or has everything.
    func readerDone() { services.pool.container(id)?.enter { $0.removeIfDue() } }

    /// Has the process wait for the slowest of its lossless readers.
    func updateHold(_ process: ProcessName) {
        guard let entry = entries[process], let spool = entry.spool else { return }
        let reserved: UInt64? = entry.isReserved ? 0 : nil
        let held = attachments.filter { $0.process == process }.compactMap(\.heldFrom).min()
        spool.hold(from: reserved ?? held)
    }

    /// Looks after the readers that keep a process waiting.
    private func watchStalls(_ process: ProcessName) {
        guard let spool = entries[process]?.spool else { return }
        let now = services.loop.now
        var isNew = false
        for index in attachments.indices where attachments[index].process == process {
            if attachments[index].stall(spool, at: now) == now { isNew = true }
        }
        guard isNew else { return }
        services.loop.schedule(after: services.configuration.times.losslessReader) { [weak self] in
            self?.endStalls(process, spool, since: now)
        }
    }

    /// A reader that has kept the process waiting since then holds it no more.
    private func endStalls(_ process: ProcessName, _ spool: OutputSpool, since time: ContinuousClock.Instant) {
        guard entries[process]?.spool === spool else { return }
        var isLost = false
        for index in attachments.indices where attachments[index].process == process {
            guard let since = attachments[index].stall(spool, at: services.loop.now), since <= time else { continue }
            attachments[index].loseHold()
            isLost = true
        }
        guard isLost else { return }
        holdLost(process, "it has taken no byte for \(services.configuration.times.losslessReader)")
        send(process)
    }
}
