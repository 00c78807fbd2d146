import ContainerModel
import ContainerProtocol
import MessagePack

extension SavedContainer.Command {
    /// The note of a command that was begun at `time`.
    init(_ command: QueuedCommand, at time: Timestamp) {
        self.init(method: command.kind.name, at: time)
        request = command.request
        requestID = command.cause.requestID
        traceparent = command.cause.traceparent
        switch command.kind {
        case .exec(let exec):
            process = exec.name
            terminal = exec.process.terminal
            ignored = exec.ignored
        case .delete(let isForced): force = isForced
        default: break
        }
    }
}

extension QueuedCommand {
    /// A command that was under way when the worker died; nil where it was none that matters any more.
    convenience init?(
        _ saved: SavedContainer.Command, _ id: ContainerID, creation: Creation?, responder: Responder?
    ) {
        let kind: Kind
        switch saved.method {
        case "create":
            // Where its start has failed, what was to be started is not kept any more.
            let nothing = Creation(specification: OCISpecification(), source: [:], start: false, stdin: false)
            kind = .create(creation ?? nothing)
        case "start": kind = .start
        case "exec":
            guard let name = saved.process else { return nil }
            var process = OCIProcess()
            process.terminal = saved.terminal
            kind = .exec(Exec(name: name, process: process, stdin: false, ignored: saved.ignored))
        case "pause": kind = .pause
        case "resume": kind = .resume
        case "restore": kind = .restore
        case "update":
            // The resources are not kept: a peer that repeats the request sends them again.
            guard let resources = try? OCIResources.read([:]).resources else { return nil }
            kind = .update(resources, ignored: [])
        case "delete": kind = .delete(force: saved.force)
        default: return nil
        }
        self.init(
            id: id, kind: kind, responder: responder, request: saved.request,
            cause: Cause(requestID: saved.requestID, traceparent: saved.traceparent))
    }
}

extension QueuedCommand.Creation {
    /// What a container was to be made of; nil where the record cannot be understood.
    convenience init?(_ saved: SavedContainer.Creation, of facts: ContainerRecord) {
        guard let specification = try? OCISpecification.read(saved.source).specification else { return nil }
        self.init(
            specification: specification, source: saved.source, ignored: facts.ignored, labels: facts.labels,
            start: saved.start, stdin: saved.stdin, lossless: saved.lossless)
    }
}
