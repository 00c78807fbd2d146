import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack

/// From a decoded request to its container, or to the host. On the loop only.
final class CommandRouter: RequestHandler {
    private let services: HostServices
    private let host: HostCommands
    private let profiles: Profiles

    init(_ services: HostServices, _ host: HostCommands) {
        self.services = services
        self.host = host
        profiles = Profiles(services.configuration, keepsDocuments: services.driver.readsDocuments)
    }

    /// Answers the most frequent question by far without remembering the request.
    func answerAtOnce(_ request: Request, _ writer: Writer) -> Bool? {
        guard case .state(let id) = request.command, services.outbox.isSettled else { return nil }
        Requests.beginResponse(request.msgid, writer)
        if let container = services.pool.container(id) {
            writer.null()
            let sink = LoopBound(writer, to: services.loop)
            container.enter { $0.record.encode(to: sink.value) }
            return true
        }
        services.pool.absence(of: id).value.encode(to: writer)
        writer.null()
        return false
    }

    func refusal(_ request: Request) -> Failure? { services.footing?.refusal(request.method) }

    func handle(_ request: Request, _ responder: Responder) {
        let cause = Cause(requestID: request.requestID, traceparent: request.traceparent)
        switch request.command {
        case .ping: responder.succeed(["time": .timestamp(services.loop.timestamp)] as Value)
        case .version: responder.succeed(host.version)
        case .health: responder.succeed(host.health)
        case .list(let query): host.list(query, responder)
        case .snapshot(let query): host.snapshot(query, responder)
        case .events(let query): host.events(query, responder)
        case .drain(let deadline, let stop): host.drain(deadline, stop, cause, responder)
        case .undrain: host.undrain(responder)
        case .listKeys: host.listKeys(responder)
        case .reloadKeys: host.reloadKeys(responder)
        case .stats(.all): host.statistics(of: nil, responder)
        case .stats(.some(let ids)): host.statistics(of: ids, responder)

        case .stats(.one(let id)): immediate(id, responder) { $0.statistics(responder) }
        case .state(let id): immediate(id, responder) { responder.succeed($0.record) }
        case .describe(let id): immediate(id, responder) { $0.describe(responder) }
        case .signal(let id, let process, let signal):
            immediate(id, responder) { $0.signal(process, signal, cause, responder) }
        case .stop(let id, let grace): immediate(id, responder) { $0.stop(grace: grace, cause, responder) }
        case .resize(let id, let process, let size):
            immediate(id, responder) { $0.resize(process, size, responder) }
        case .pids(let id): immediate(id, responder) { $0.pids(responder) }
        case .summary(let id): immediate(id, responder) { $0.summary(responder) }
        case .wait(let id, let process):
            if process == .initial, let exit = services.pool.exit(ofRemoved: id) {
                return responder.succeed(ExitResult(exit))
            }
            immediate(id, responder) { $0.wait(process, responder) }
        case .attach(let attach): immediate(attach.id, responder) { $0.attach(attach, responder) }
        case .credit(let id, let process, let bytes):
            immediate(id, responder) { $0.credit(process, bytes, responder) }
        case .detach(let id, let process): immediate(id, responder) { $0.detach(process, responder) }
        case .stdin(let input): immediate(input.id, responder) { $0.stdin(input, responder) }
        case .logs(let logs): immediate(logs.id, responder) { $0.logs(logs, responder) }

        case .create(let create):
            enqueue(create.id, request, cause, responder) { () throws(Failure) in
                .create(try profiles.creation(create))
            }
        case .plan(let create): plan(create, responder)
        case .start(let id): enqueue(id, request, cause, responder) { .start }
        case .exec(let exec):
            enqueue(exec.id, request, cause, responder) { () throws(Failure) in .exec(try profiles.exec(exec)) }
        case .pause(let id): enqueue(id, request, cause, responder) { .pause }
        case .resume(let id): enqueue(id, request, cause, responder) { .resume }
        case .restore(let id): enqueue(id, request, cause, responder) { .restore }
        case .update(let id, let resources):
            enqueue(id, request, cause, responder) { () throws(Failure) in
                let (resources, ignored) = try OCIResources.read(resources)
                return .update(resources, ignored: ignored)
            }
        case .checkpoint(_, let id): enqueue(id, request, cause, responder) { .checkpoint }
        case .delete(let id, let force): enqueue(id, request, cause, responder) { .delete(force: force) }
        }
    }

    /// Answers with the plan of a `create`. It is not queued and takes no id.
    private func plan(_ create: Command.Create, _ responder: Responder) {
        do throws(Failure) {
            let (id, creation, driver) = (create.id, try profiles.creation(create), services.driver)
            services.calls.make(
                .plan, { () throws(DriverFailure) in try driver.plan(id, creation.specification) },
                then: { result in
                    switch result {
                    case .success(let plan):
                        responder.succeed(
                            [
                                "document": .string(plan.document),
                                "warnings": .array(plan.warnings.map { .string($0) }),
                                "ignored": .array((creation.ignored + plan.ignored).map { .string($0) }),
                            ] as Value)
                    case .failure(let failure): responder.fail(Failure(failure))
                    }
                })
        } catch {
            responder.fail(error)
        }
    }

    /// Serves a command that is not queued.
    private func immediate(
        _ id: ContainerID, _ responder: Responder, _ body: @Sendable (isolated Container) -> Void
    ) {
        guard let container = services.pool.container(id) else { return responder.fail(services.pool.absence(of: id)) }
        container.enter(body)
    }

    /// Queues a mutating command at its container.
    private func enqueue(
        _ id: ContainerID, _ request: Request, _ cause: Cause, _ responder: Responder,
        _ kind: () throws(Failure) -> QueuedCommand.Kind
    ) {
        do throws(Failure) {
            let key = request.requestID.map {
                RequestKey(principal: responder.route?.principal.requestScope ?? "", id: $0)
            }
            services.pool.offer(
                QueuedCommand(
                    id: id, kind: try kind(), responder: responder, request: key, cause: cause,
                    queuedAt: services.loop.now))
        } catch {
            responder.fail(error)
        }
    }

    func expire(_ number: UInt64, _ id: ContainerID, isQuestion: Bool) -> Failure? {
        services.pool.container(id)?.enter { $0.expire(number, isQuestion: isQuestion) }
    }
}

extension Request {
    /// The digest of the parameters, without those that only control the handling of the request.
    func digest(_ parameters: Element) throws -> ContentDigest {
        var content: Value.Map = [:]
        if parameters.arrayCount == 1, let map = try parameters[0].value().map { content = map }
        for key in ["request_id", "timeout_ms", "traceparent"] { content[key] = nil }
        return ContentDigest(method.rawValue, .map(content))
    }
}
