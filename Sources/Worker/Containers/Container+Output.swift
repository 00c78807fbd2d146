import Logging
import ContainerModel
import ContainerProtocol
import Logging
import MessagePack

/// The commands about output.
extension Container {
    func attach(_ request: Command.Attach, _ responder: Responder) {
        guard let spool = spool(of: request.process, responder) else { return }
        output?.attach(request, spool, responder)
    }

    func credit(_ process: ProcessName, _ bytes: UInt64, _ responder: Responder) {
        guard output?.credit(process, bytes, responder) ?? false else {
            guard spool(of: process, responder) != nil else { return }
            return responder.fail(
                Failure(
                    .failedPrecondition, "this peer is not attached to \(process) of \(id); attach first",
                    details: ["state": .string(state.wire.rawValue)]))
        }
        responder.succeed([:] as Value)
        output?.send(process)
    }

    func detach(_ process: ProcessName, _ responder: Responder) {
        guard spool(of: process, responder) != nil else { return }
        output?.detach(process, responder)
        responder.succeed([:] as Value)
    }

    /// A lossless reader of a process holds it no more: from now on its output may be dropped before it is read.
    func noteLostHold(_ process: ProcessName, _ reason: String) {
        services.logger.warning(
            "a lossless reader has lost its hold: the process goes on, and what is not read in time is dropped",
            metadata: ["container": "\(id)", "process": "\(process)", "reason": "\(reason)"])
        facts.lostHolds.insert(process)
        save()
    }

    func logs(_ request: Command.Logs, _ responder: Responder) {
        guard let spool = spool(of: request.process, responder) else { return }
        // A reply must fit in a message that a careful peer accepts.
        let limit = min(request.limit, services.configuration.limits.messageBytes / 8)
        var from =
            switch request.from {
            case .offset(let offset): offset
            case .time(let time): spool.offset(of: time)
            }
        if let lines = request.tail { from = max(from, spool.offset(ofLast: lines)) }
        let page = spool.read(from: from, limit: limit, times: request.times)
        let dropped = page.chunks.reduce(0) { $0 + $1.dropped }
        let chunks = page.chunks.map { chunk -> Value in
            var map: Value.Map = [
                "stream": .string(chunk.stream.rawValue), "offset": .int(chunk.offset), "data": .binary(chunk.data),
            ]
            if let time = chunk.time { map["time"] = .timestamp(time) }
            return .map(map)
        }
        var result: Value.Map = [
            "chunks": .array(chunks), "next": .int(page.next), "eof": .bool(page.isEnd), "dropped": .int(dropped),
        ]
        if page.chunks.contains(where: \.isLossUnknown) { result["dropped_unknown"] = true }
        responder.succeed(Value.map(result))
    }

    /// The output of a process; where there is none, `responder` gets the reason.
    private func spool(of process: ProcessName, _ responder: Responder) -> OutputSpool? {
        if let spool = output?.spool(of: process) { return spool }
        let stateDetails: Value.Map = ["state": .string(state.wire.rawValue)]
        if process == .initial, facts.startedAt == nil {
            responder.fail(
                Failure(
                    .failedPrecondition, "\(id) has not been started, so that there is no output yet",
                    details: stateDetails))
        } else if process != .initial, state.processes[process] == nil {
            responder.fail(.noProcess(process, id))
        } else {
            responder.fail(
                Failure(
                    .failedPrecondition, "the output of process \(process) of \(id) is not kept any more",
                    details: stateDetails))
        }
        return nil
    }
}
