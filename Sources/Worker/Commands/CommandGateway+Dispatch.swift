import ContainerProtocol
import MessagePack

/// From a decoded request to the one who serves it.
extension CommandGateway {
    func dispatch(_ request: Request, _ responder: Responder) {
        switch request.command {
        case .ping: responder.succeed(["time": .timestamp(.now)] as Value)
        case .version: responder.succeed(version)
        case .snapshot: snapshot(responder)
        case .health: responder.succeed(health)
        case .list(let query): list(query, responder)
        case .events(let query): events(query, responder)
        case .drain(let deadline, let stop):
            drain(deadline, stop, Cause(requestID: request.requestID, traceparent: request.traceparent), responder)
        case .stats(.all): statistics(of: pool.assumeIsolated { $0.liveContainers() }, responder)
        case .stats(.some(let ids)): statistics(ofNamed: ids, responder)

        case .stats(.one(let id)): immediate(id, responder) { $0.statistics(responder) }
        case .state(let id): immediate(id, responder) { responder.succeed($0.record) }
        case .signal(let id, let process, let signal):
            let cause = Cause(requestID: request.requestID, traceparent: request.traceparent)
            immediate(id, responder) { $0.signal(process, signal, cause, responder) }
        case .stop(let id, let grace):
            let cause = Cause(requestID: request.requestID, traceparent: request.traceparent)
            immediate(id, responder) { $0.stop(grace: grace, cause, responder) }
        case .resize(let id, let process, let size):
            immediate(id, responder) { $0.resize(process, size, responder) }
        case .pids(let id): immediate(id, responder) { $0.pids(responder) }
        case .summary(let id): immediate(id, responder) { $0.summary(responder) }
        case .wait(let id, let process): immediate(id, responder) { $0.wait(process, responder) }
        case .attach(let attach): immediate(attach.id, responder) { $0.attach(attach, responder) }
        case .credit(let id, let process, let bytes):
            immediate(id, responder) { $0.credit(process, bytes, responder) }
        case .detach(let id, let process): immediate(id, responder) { $0.detach(process, responder) }
        case .stdin(let input):
            immediate(input.id, responder) { $0.stdin(input.process, input.data, end: input.eof, responder) }
        case .logs(let logs): immediate(logs.id, responder) { $0.logs(logs, responder) }

        case .create(let create): enqueue(request, responder, create.id) { () throws(Failure) in try creation(create) }
        case .start(let id): enqueue(request, responder, id) { .start }
        case .exec(let exec): enqueue(request, responder, exec.id) { () throws(Failure) in try self.exec(exec) }
        case .pause(let id): enqueue(request, responder, id) { .pause }
        case .resume(let id): enqueue(request, responder, id) { .resume }
        case .restore(let id): enqueue(request, responder, id) { .restore }
        case .update(let id, let resources):
            enqueue(request, responder, id) { () throws(Failure) in
                let (resources, ignored) = try OCIResources.read(resources)
                return .update(resources, ignored: ignored)
            }
        case .checkpoint(_, let id): enqueue(request, responder, id) { .checkpoint }
        case .delete(let id, let force): enqueue(request, responder, id) { .delete(force: force) }
        }
    }

    /// Serves a command that does not stand in line.
    private func immediate(
        _ id: ContainerID, _ responder: Responder, _ body: @Sendable (isolated ContainerQueue) -> Void
    ) {
        guard let queue = pool.assumeIsolated({ $0.queue(id) }) else { return responder.fail(.noContainer(id)) }
        queue.assumeIsolated(body)
    }

    /// Hands a command that stands in line to its container.
    private func enqueue(
        _ request: Request, _ responder: Responder, _ id: ContainerID,
        _ kind: () throws(Failure) -> QueuedCommand.Kind
    ) {
        do throws(Failure) {
            var command = QueuedCommand(id: id, kind: try kind(), responder: responder)
            command.requestID = request.requestID
            command.request = request.requestID.map { RequestKey(principal: "", id: $0) }
            command.traceparent = request.traceparent
            pool.assumeIsolated { [command] in $0.offer(command) }
        } catch {
            responder.fail(error)
        }
    }

    /// The specification of a new container: the profile's, with the request's own applied to it.
    private func creation(_ create: Command.Create) throws(Failure) -> QueuedCommand.Kind {
        let configuration = services.configuration
        var value = create.spec
        if let name = create.profile ?? configuration.defaultProfile {
            guard let profile = configuration.profiles[name] else {
                let known = configuration.profiles.keys.sorted().joined(separator: ", ")
                throw .invalidArgument("there is no profile \"\(Excerpt(name))\" on this host; there are: \(known)")
            }
            let text = create.id.rawValue
            value = profile.mappingStrings { $0.replacing("{id}", with: text) }.merging(value)
        }
        let (specification, ignored) = try OCISpecification.read(value)
        // Whether it is started now or later: what could never start is refused while nothing exists yet.
        guard let process = specification.process else {
            throw .invalidArgument("spec.process is missing: give it args, the program and its arguments")
        }
        try check(process, "spec.process")
        return .create(
            QueuedCommand.Creation(
                specification: specification, source: value, ignored: ignored, labels: create.labels,
                start: create.start,
                stdin: create.stdin))
    }

    private func exec(_ exec: Command.Exec) throws(Failure) -> QueuedCommand.Kind {
        let (process, ignored) = try OCIProcess.read(exec.spec)
        try check(process, "spec")
        return .exec(
            QueuedCommand.Exec(name: exec.process, process: process, stdin: exec.stdin, ignored: ignored))
    }

    private func check(_ process: OCIProcess, _ path: String) throws(Failure) {
        guard process.commandLine?.isEmpty == false || process.args.first?.isEmpty == false else {
            throw .invalidArgument(
                "\(path).args is missing or begins with an empty text: give the program and its arguments")
        }
    }
}

extension Request {
    /// What it asks for, without what says how it is to be handled.
    func digest(_ parameters: Element) throws -> ContentDigest {
        var content: Value.Map = [:]
        if parameters.arrayCount == 1, let map = try parameters[0].value().map { content = map }
        for key in ["request_id", "timeout_ms", "traceparent"] { content[key] = nil }
        return ContentDigest(method.rawValue, .map(content))
    }
}
