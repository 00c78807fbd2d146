import CHostCompute

/// The emulator of this process.
struct LocalBackend: EmulatorBackend {
    var caller = Caller.local
    var service: ComputeService { ComputeService.shared }

    func answer(_ request: EmulatorRequest, _ subscription: Subscription?) throws(HostFailure) -> EmulatorReply {
        if request.call.closes {
            try close(request.call, UInt(truncatingIfNeeded: request.handle))
            return EmulatorReply()
        }
        switch request.call.target {
        case .system:
            let system = try service.system(UInt(truncatingIfNeeded: request.handle))
            try service.faults.enter(request.call, system.id)
            if request.call.registers {
                return try subscribe(subscription, { .systemCallback($0, system) }, system.register)
            }
            return try answer(request, system)
        case .process:
            let process = try service.process(UInt(truncatingIfNeeded: request.handle))
            try service.faults.enter(request.call, process.system.id)
            if request.call.registers {
                return try subscribe(subscription, { .processCallback($0, process) }, process.register)
            }
            return try answer(request, process)
        default: return try answer(request)
        }
    }

    /// A document or an id that must be there.
    func required(_ text: String?, _ name: StaticString) throws(HostFailure) -> String {
        guard let text else { throw .invalidArgument("\(name) must not be NULL.") }
        return text
    }

    private func handle(_ target: HandleTable.Target) -> UInt64 { UInt64(service.handles.add(target)) }

    // MARK: The service

    private func answer(_ request: EmulatorRequest) throws(HostFailure) -> EmulatorReply {
        switch request.call {
        case .enumerateComputeSystems:
            try service.faults.enter(request.call, "")
            return EmulatorReply(text: service.enumerate(try ClientDocument.read(SystemQuery.self, request.text)))
        case .createComputeSystem: return try createSystem(request)
        case .openComputeSystem:
            let id = try required(request.text, "id")
            try service.faults.enter(request.call, id)
            return EmulatorReply(handle: handle(.system(try service.open(id))))
        default:
            try service.faults.enter(request.call, "")
            let types = try ClientDocument.read(PropertyQuery.self, request.text).propertyTypes ?? []
            guard types.isEmpty || types == ["Basic"] else {
                throw HostFailure(code: ResultCode.notSupported, message: "PropertyTypes: only Basic is known.")
            }
            return EmulatorReply(
                text: #"{"Properties":[{"SupportedSchemaVersions":[{"Major":1,"Minor":0},{"Major":2,"Minor":1}]}]}"#)
        }
    }

    private func createSystem(_ request: EmulatorRequest) throws(HostFailure) -> EmulatorReply {
        let id = try required(request.text, "id")
        guard !id.isEmpty else { throw .invalidArgument("id must not be empty.") }
        let configuration = try required(request.document, "configuration")
        try service.faults.enter(request.call, id)
        let system = try service.create(id, ClientDocument.read(ContainerConfig.self, configuration), for: caller)
        let number = service.handles.add(.system(system))
        let status = try system.run(.create)
        if status < 0, status != ResultCode.pending {
            // It has failed before the call returns: the caller gets no handle.
            _ = service.handles.remove(number, where: \.isSystem)
            system.close(number)
            return EmulatorReply(code: status)
        }
        return EmulatorReply(code: status, handle: UInt64(number))
    }

    // MARK: Compute systems

    private func answer(_ request: EmulatorRequest, _ system: EmulatedSystem) throws(HostFailure) -> EmulatorReply {
        switch request.call {
        case .getComputeSystemProperties:
            let query = try ClientDocument.read(PropertyQuery.self, request.text)
            try query.check()
            if service.faults.dropsProperties(request.call, system.id) { return EmulatorReply() }
            return EmulatorReply(text: system.properties(query))
        case .modifyComputeSystem:
            let configuration = try required(request.text, "configuration")
            try system.modify(ClientDocument.read(SystemModification.self, configuration))
            return EmulatorReply()
        case .createProcess:
            let parameters = try required(request.text, "processParameters")
            let document = try EmulatedProcessDocument(ClientDocument.read(ProcessConfig.self, parameters))
            let (process, streams) = try system.createProcess(document, for: caller)
            if service.faults.exitsBeforeReturn(request.call, system.id) { process.waitForExit() }
            let pid = UInt32(truncatingIfNeeded: process.pid)
            return EmulatorReply(handle: handle(.process(process)), pid: pid, streams: streams)
        case .openProcess:
            let process = try system.openProcess(Int32(truncatingIfNeeded: request.integer))
            return EmulatorReply(handle: handle(.process(process)))
        default: return EmulatorReply(code: try operate(request, system))
        }
    }

    /// An operation's options are read and then ignored, as every client sends none.
    private func operate(_ request: EmulatorRequest, _ system: EmulatedSystem) throws(HostFailure) -> HcsResult {
        if request.text != nil { _ = try ClientDocument.read(UnreadDocument.self, request.text) }
        return switch request.call {
        case .startComputeSystem: try system.run(.start)
        case .shutdownComputeSystem: try system.end(.shutdown)
        case .terminateComputeSystem: try system.end(.terminate)
        case .pauseComputeSystem: try system.pause()
        case .resumeComputeSystem: try system.run(.resume)
        default: throw HostFailure(code: ResultCode.notImplemented, message: "Save is not implemented.")
        }
    }

    // MARK: Handles and callbacks

    private func close(_ call: EmulatorCall, _ handle: UInt) throws(HostFailure) {
        let target = service.handles[handle]
        let isSystem = call == .closeComputeSystem
        switch target {
        case .systemCallback(let registration, let system) where call == .unregisterComputeSystemCallback:
            try service.faults.enter(call, system.id)
            system.unregister(registration)
            try registration.cancel()
        case .processCallback(let registration, let process) where call == .unregisterProcessCallback:
            try service.faults.enter(call, process.system.id)
            process.unregister(registration)
            try registration.cancel()
        case .system(let system) where isSystem: try service.faults.enter(call, system.id)
        case .process(let process) where call == .closeProcess: try service.faults.enter(call, process.system.id)
        case .dead where isSystem || call == .closeProcess: break
        default: throw .invalidHandle
        }
        // Another call may have closed it meanwhile.
        switch service.handles.remove(handle, where: { _ in true }) {
        case .system(let system): system.close(handle)
        case .process(let process): service.close(process, handle)
        case nil where isSystem || call == .closeProcess: throw .invalidHandle
        default: break
        }
    }

    /// Registers on what the call's handle stands for.
    private func subscribe(
        _ subscription: Subscription?, _ target: (Registration) -> HandleTable.Target, _ start: (Registration) -> Void
    ) throws(HostFailure) -> EmulatorReply {
        guard let subscription else { throw .invalidArgument("callback must not be NULL.") }
        let handle = handle(target(subscription.registration))
        subscription.announce(handle)
        start(subscription.registration)
        return EmulatorReply(handle: handle)
    }
}
