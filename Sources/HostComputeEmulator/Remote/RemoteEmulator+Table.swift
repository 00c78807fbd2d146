import CHostCompute

/// The table whose functions are answered by the service: compute systems here, processes in their own file.
extension RemoteEmulator {
    /// Written once, before it is published here, and only read afterwards.
    nonisolated(unsafe) static let table: UnsafePointer<HostComputeTable> = {
        // What needs no compute system is answered in this process.
        let local = HostComputeEmulator.table.pointee
        var table = HostComputeTable()
        table.HcsModifyServiceSettings = local.HcsModifyServiceSettings
        table.NameToGuid = local.NameToGuid
        table.FreeString = local.FreeString
        fillSystems(&table)
        fillSystemHandles(&table)
        fillProcesses(&table)
        fillProcessHandles(&table)
        let memory = UnsafeMutablePointer<HostComputeTable>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UnsafePointer(memory)
    }()

    private static func fillSystems(_ table: inout HostComputeTable) {
        table.HcsEnumerateComputeSystems = { query, systems, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let systems = try HostAnswer.required(systems, "computeSystems")
                systems.pointee = nil
                var request = ServiceRequest(number: 0, .enumerateComputeSystems)
                request.text = query.map { WideString.string($0) }
                let answer = try emulator.call(request)
                try RemoteEmulator.write(answer.text, to: systems)
                return answer
            }
        }
        table.HcsCreateComputeSystem = { id, configuration, _, system, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let handle = try HostAnswer.required(system, "computeSystem")
                handle.pointee = nil
                let id = try HostAnswer.required(id, "id")
                let configuration = try HostAnswer.required(configuration, "configuration")
                let document = WideString.string(configuration)
                return try emulator.make(.createComputeSystem, WideString.string(id), document, handle)
            }
        }
        table.HcsOpenComputeSystem = { id, system, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let handle = try HostAnswer.required(system, "computeSystem")
                handle.pointee = nil
                let id = try HostAnswer.required(id, "id")
                return try emulator.make(.openComputeSystem, WideString.string(id), nil, handle)
            }
        }
        table.HcsCloseComputeSystem = { system in
            RemoteEmulator.give { (emulator) throws(HostFailure) in
                try emulator.close(.closeComputeSystem, system, .system)
            }
        }
        table.HcsGetServiceProperties = { query, properties, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let properties = try HostAnswer.required(properties, "properties")
                properties.pointee = nil
                var request = ServiceRequest(number: 0, .getServiceProperties)
                request.text = query.map { WideString.string($0) }
                let answer = try emulator.call(request)
                try RemoteEmulator.write(answer.text, to: properties)
                return answer
            }
        }
    }

    private static func fillSystemHandles(_ table: inout HostComputeTable) {
        table.HcsStartComputeSystem = { RemoteEmulator.operate(.startComputeSystem, $0, $1, $2) }
        table.HcsShutdownComputeSystem = { RemoteEmulator.operate(.shutdownComputeSystem, $0, $1, $2) }
        table.HcsTerminateComputeSystem = { RemoteEmulator.operate(.terminateComputeSystem, $0, $1, $2) }
        table.HcsPauseComputeSystem = { RemoteEmulator.operate(.pauseComputeSystem, $0, $1, $2) }
        table.HcsResumeComputeSystem = { RemoteEmulator.operate(.resumeComputeSystem, $0, $1, $2) }
        table.HcsSaveComputeSystem = { RemoteEmulator.operate(.saveComputeSystem, $0, $1, $2) }
        table.HcsGetComputeSystemProperties = { system, query, properties, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let properties = try HostAnswer.required(properties, "properties")
                properties.pointee = nil
                let answer = try emulator.call(.getComputeSystemProperties, system, .system, query)
                try RemoteEmulator.write(answer.text, to: properties)
                return answer
            }
        }
        table.HcsModifyComputeSystem = { system, configuration, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let configuration = try HostAnswer.required(configuration, "configuration")
                return try emulator.call(.modifyComputeSystem, system, .system, configuration)
            }
        }
        table.HcsRegisterComputeSystemCallback = { system, callback, context, handle in
            RemoteEmulator.give { (emulator) throws(HostFailure) in
                let out = try HostAnswer.required(handle, "callbackHandle")
                out.pointee = nil
                let callback = try HostAnswer.required(callback, "callback")
                let registration = Registration(callback: callback, context: context, handle: UInt(bitPattern: system))
                return try emulator.register(.registerComputeSystemCallback, system, .system, registration) {
                    out.pointee = $0
                }
            }
        }
        table.HcsUnregisterComputeSystemCallback = { callback in
            RemoteEmulator.give { (emulator) throws(HostFailure) in
                try emulator.close(.unregisterComputeSystemCallback, callback, .systemCallback)
            }
        }
    }

    /// Creates or opens a compute system.
    private func make(
        _ call: EmulatorCall, _ id: String, _ document: String?,
        _ handle: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) throws(HostFailure) -> RemoteAnswer {
        let connection = try reach()
        var request = ServiceRequest(number: 0, call)
        request.text = id
        request.document = document
        let answer = try connection.call(request)
        if answer.handle != 0 {
            let own = handles.add(
                RemoteHandle(kind: .system, connection: connection, remote: answer.handle, systemID: id))
            handle.pointee = UnsafeMutableRawPointer(bitPattern: own)
        }
        return answer
    }

    private static func operate(
        _ call: EmulatorCall, _ system: HcsSystem?, _ options: UnsafePointer<HcsChar>?, _ result: HostAnswer.Text?
    ) -> HcsResult {
        give(result) { (emulator) throws(HostFailure) in try emulator.call(call, system, .system, options) }
    }

    /// The shape of every function here.
    static func give(
        _ result: HostAnswer.Text? = nil, _ body: (RemoteEmulator) throws(HostFailure) -> RemoteAnswer
    ) -> HcsResult {
        HostAnswer.give(result) { () throws(HostFailure) in
            guard let emulator = shared.withLock({ $0 }) else { throw ComputeService.dead }
            let answer = try body(emulator)
            if let result, let text = answer.result { result.pointee = WideString.allocate(text) }
            return answer.code
        }
    }

    static func write(_ document: String?, to text: HostAnswer.Text) throws(HostFailure) {
        if let document { try HostAnswer.write(document, to: text) }
    }
}
