import CHostCompute
import Glibc

/// The table: compute systems here, processes and the service in their own files.
extension HostComputeEmulator {
    static func makeTable() -> HostComputeTable {
        var table = HostComputeTable()
        fillSystems(&table)
        fillOperations(&table)
        fillProcesses(&table)
        fillProcessHandles(&table)
        fillService(&table)
        return table
    }

    static func createSystem(
        _ id: UnsafePointer<HcsChar>?, _ configuration: UnsafePointer<HcsChar>?,
        _ system: UnsafeMutablePointer<HcsSystem?>?, _ result: HostAnswer.Text?, for caller: Caller
    ) -> HcsResult {
        HostAnswer.give(result) { () throws(HostFailure) in
            let service = ComputeService.shared
            let handle = try HostAnswer.required(system, "computeSystem")
            handle.pointee = nil
            let id = WideString.string(try HostAnswer.required(id, "id"))
            guard !id.isEmpty else { throw .invalidArgument("id must not be empty.") }
            let configuration = try HostAnswer.required(configuration, "configuration")
            try service.faults.enter(.createComputeSystem, id)
            let system = try service.create(
                id, ClientDocument.read(ContainerConfig.self, configuration), for: caller)
            let number = service.handles.add(.system(system))
            // Written before the completion can be told: clients may look at the handle from the callback.
            handle.pointee = UnsafeMutableRawPointer(bitPattern: number)
            let status = try system.run(.create)
            if status < 0, status != ResultCode.pending {
                // It has failed before the call returns: the caller gets no handle.
                handle.pointee = nil
                _ = service.handles.remove(number, where: \.isSystem)
                system.close(number)
            }
            return status
        }
    }

    private static func fillSystems(_ table: inout HostComputeTable) {
        table.HcsEnumerateComputeSystems = { query, systems, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                let service = ComputeService.shared
                let systems = try HostAnswer.required(systems, "computeSystems")
                systems.pointee = nil
                try service.faults.enter(.enumerateComputeSystems, "")
                let query = try ClientDocument.read(SystemQuery.self, query)
                try HostAnswer.write(service.enumerate(query), to: systems)
                return ResultCode.success
            }
        }
        table.HcsCreateComputeSystem = { id, configuration, _, system, result in
            HostComputeEmulator.createSystem(id, configuration, system, result, for: .local)
        }
        table.HcsOpenComputeSystem = { id, system, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                let service = ComputeService.shared
                let handle = try HostAnswer.required(system, "computeSystem")
                handle.pointee = nil
                let id = WideString.string(try HostAnswer.required(id, "id"))
                try service.faults.enter(.openComputeSystem, id)
                let system = try service.open(id)
                handle.pointee = UnsafeMutableRawPointer(bitPattern: service.handles.add(.system(system)))
                return ResultCode.success
            }
        }
        table.HcsCloseComputeSystem = { handle in
            HostAnswer.give { () throws(HostFailure) in
                let service = ComputeService.shared
                let number = UInt(bitPattern: handle)
                if case .system(let system) = service.handles[number] {
                    try service.faults.enter(.closeComputeSystem, system.id)
                }
                switch service.handles.remove(number, where: \.isSystem) {
                case .system(let system): system.close(number)
                case .dead: break
                default: throw .invalidHandle
                }
                return ResultCode.success
            }
        }
        table.HcsRegisterComputeSystemCallback = { system, callback, context, handle in
            HostAnswer.give { () throws(HostFailure) in
                let service = ComputeService.shared
                let out = try HostAnswer.required(handle, "callbackHandle")
                out.pointee = nil
                let callback = try HostAnswer.required(callback, "callback")
                let registration = Registration(
                    callback: callback, context: context, handle: UInt(bitPattern: system))
                try service.registerSystem(registration) { out.pointee = UnsafeMutableRawPointer(bitPattern: $0) }
                return ResultCode.success
            }
        }
        table.HcsUnregisterComputeSystemCallback = { handle in
            HostAnswer.give { () throws(HostFailure) in
                let service = ComputeService.shared
                let number = UInt(bitPattern: handle)
                guard case .systemCallback(let registration, let system) = service.handles[number] else {
                    throw .invalidHandle
                }
                try service.faults.enter(.unregisterComputeSystemCallback, system.id)
                system.unregister(registration)
                try registration.cancel()
                _ = service.handles.remove(number, where: { _ in true })
                return ResultCode.success
            }
        }
    }

    private static func fillOperations(_ table: inout HostComputeTable) {
        table.HcsStartComputeSystem = { system, options, result in
            HostComputeEmulator.operate(.startComputeSystem, system, options, result) { (system) throws(HostFailure) in
                try system.start()
            }
        }
        table.HcsShutdownComputeSystem = { system, options, result in
            HostComputeEmulator.operate(.shutdownComputeSystem, system, options, result) {
                (system) throws(HostFailure) in
                try system.end(.shutdown)
            }
        }
        table.HcsTerminateComputeSystem = { system, options, result in
            HostComputeEmulator.operate(.terminateComputeSystem, system, options, result) {
                (system) throws(HostFailure) in
                try system.end(.terminate)
            }
        }
        table.HcsPauseComputeSystem = { system, options, result in
            HostComputeEmulator.operate(.pauseComputeSystem, system, options, result) { (system) throws(HostFailure) in
                try system.pause()
            }
        }
        table.HcsResumeComputeSystem = { system, options, result in
            HostComputeEmulator.operate(.resumeComputeSystem, system, options, result) { (system) throws(HostFailure) in
                try system.resume()
            }
        }
        table.HcsSaveComputeSystem = { system, options, result in
            HostComputeEmulator.operate(.saveComputeSystem, system, options, result) { (_) throws(HostFailure) in
                throw HostFailure(code: ResultCode.notImplemented, message: "Save is not implemented.")
            }
        }
        table.HcsGetComputeSystemProperties = { system, query, properties, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                let properties = try HostAnswer.required(properties, "properties")
                properties.pointee = nil
                let system = try ComputeService.shared.system(system)
                try system.service.faults.enter(.getComputeSystemProperties, system.id)
                let query = try ClientDocument.read(PropertyQuery.self, query)
                try query.check()
                if system.service.faults.dropsProperties(.getComputeSystemProperties, system.id) {
                    return ResultCode.success
                }
                try HostAnswer.write(system.properties(query), to: properties)
                return ResultCode.success
            }
        }
        table.HcsModifyComputeSystem = { system, configuration, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                let configuration = try HostAnswer.required(configuration, "configuration")
                let system = try ComputeService.shared.system(system)
                try system.service.faults.enter(.modifyComputeSystem, system.id)
                try system.modify(ClientDocument.read(SystemModification.self, configuration))
                return ResultCode.success
            }
        }
    }

    /// An operation on a system. Its options are read and then ignored, as every client sends none.
    private static func operate(
        _ call: EmulatorCall, _ handle: HcsSystem?, _ options: UnsafePointer<HcsChar>?, _ result: HostAnswer.Text?,
        _ body: (ComputeSystem) throws(HostFailure) -> HcsResult
    ) -> HcsResult {
        HostAnswer.give(result) { () throws(HostFailure) in
            let system = try ComputeService.shared.system(handle)
            try system.service.faults.enter(call, system.id)
            if let options, options.pointee != 0 { _ = try ClientDocument.read(UnreadDocument.self, options) }
            return try body(system)
        }
    }
}
