import CHostCompute

/// The calls of a client, made through the table of this process.
extension ServiceSession {
    private typealias Text = UnsafeMutablePointer<HcsChar>

    /// What a call has given out.
    private struct Outcome {
        var result: Text?
        var text: Text?
        var handle: UnsafeMutableRawPointer?
        var information = HcsProcessInformation()
    }

    /// Makes the call that is asked for.
    func answer(_ request: ServiceRequest) -> Frame {
        var outcome = Outcome()
        let text = request.text.map(WideString.units)
        let code = call(request, text, &outcome)
        var answer = ServiceAnswer(number: request.number, code: code)
        answer.result = take(outcome.result)
        answer.text = take(outcome.text)
        if let handle = outcome.handle {
            answer.handle = UInt64(UInt(bitPattern: handle))
            keep(UInt(bitPattern: handle))
        }
        answer.pid = outcome.information.ProcessId
        let streams = [outcome.information.StdInput, outcome.information.StdOutput, outcome.information.StdError]
        answer.streams = streams.map { $0 != nil }
        let frame = Frame(body: answer.body, descriptors: streams.compactMap { $0.map { Int32(Int(bitPattern: $0)) } })
        guard frame.body.count > Frame.longestAnswer else { return frame }
        frame.closeDescriptors()
        return Frame(body: ServiceAnswer(number: request.number, code: ResultCode.outOfMemory).body)
    }

    private func take(_ text: Text?) -> String? {
        guard let text else { return nil }
        defer { HostComputeEmulator.table.pointee.FreeString?(text) }
        return WideString.string(UnsafePointer(text))
    }

    private func call(_ request: ServiceRequest, _ text: [HcsChar]?, _ outcome: inout Outcome) -> HcsResult {
        let table = HostComputeEmulator.table.pointee
        let handle = owned(request.handle)
        var code: HcsResult?
        switch request.call {
        case .enumerateComputeSystems: code = table.HcsEnumerateComputeSystems?(text, &outcome.text, &outcome.result)
        case .createComputeSystem:
            let document = request.document.map(WideString.units)
            code = HostComputeEmulator.createSystem(
                text, document, &outcome.handle, &outcome.result, for: caller)
        case .openComputeSystem: code = table.HcsOpenComputeSystem?(text, &outcome.handle, &outcome.result)
        case .closeComputeSystem: code = closing(request) { table.HcsCloseComputeSystem?(handle) }
        case .startComputeSystem: code = table.HcsStartComputeSystem?(handle, text, &outcome.result)
        case .shutdownComputeSystem: code = table.HcsShutdownComputeSystem?(handle, text, &outcome.result)
        case .terminateComputeSystem: code = table.HcsTerminateComputeSystem?(handle, text, &outcome.result)
        case .pauseComputeSystem: code = table.HcsPauseComputeSystem?(handle, text, &outcome.result)
        case .resumeComputeSystem: code = table.HcsResumeComputeSystem?(handle, text, &outcome.result)
        case .saveComputeSystem: code = table.HcsSaveComputeSystem?(handle, text, &outcome.result)
        case .getComputeSystemProperties:
            code = table.HcsGetComputeSystemProperties?(handle, text, &outcome.text, &outcome.result)
        case .modifyComputeSystem: code = table.HcsModifyComputeSystem?(handle, text, &outcome.result)
        case .createProcess:
            code = HostComputeEmulator.createProcess(
                handle, text, &outcome.information, &outcome.handle, &outcome.result, for: caller)
        case .openProcess:
            let pid = UInt32(truncatingIfNeeded: request.integer)
            code = table.HcsOpenProcess?(handle, pid, &outcome.handle, &outcome.result)
        case .closeProcess: code = closing(request) { table.HcsCloseProcess?(handle) }
        case .terminateProcess: code = table.HcsTerminateProcess?(handle, &outcome.result)
        case .signalProcess: code = table.HcsSignalProcess?(handle, text, &outcome.result)
        case .getProcessInfo: code = table.HcsGetProcessInfo?(handle, &outcome.information, &outcome.result)
        case .getProcessProperties: code = table.HcsGetProcessProperties?(handle, &outcome.text, &outcome.result)
        case .modifyProcess: code = table.HcsModifyProcess?(handle, text, &outcome.result)
        case .getServiceProperties: code = table.HcsGetServiceProperties?(text, &outcome.text, &outcome.result)
        case .registerComputeSystemCallback, .registerProcessCallback: code = register(request, handle, &outcome)
        case .unregisterComputeSystemCallback:
            code = closing(request) { table.HcsUnregisterComputeSystemCallback?(handle) }
        case .unregisterProcessCallback: code = closing(request) { table.HcsUnregisterProcessCallback?(handle) }
        }
        return code ?? ResultCode.notImplemented
    }

    private func closing(_ request: ServiceRequest, _ close: () -> HcsResult?) -> HcsResult? {
        let code = close()
        if code == ResultCode.success { forget(request.handle) }
        return code
    }

    /// Registers this session in the client's stead.
    private func register(
        _ request: ServiceRequest, _ handle: UnsafeMutableRawPointer?, _ outcome: inout Outcome
    ) -> HcsResult {
        let number = request.integer
        let registration = Registration(handle: UInt(bitPattern: handle)) { [weak self] notification in
            self?.tell(notification, number)
        }
        var callback: UInt = 0
        let code = HostAnswer.give { () throws(HostFailure) in
            let service = ComputeService.shared
            if request.call == .registerProcessCallback {
                try service.registerProcess(registration) { callback = $0 }
            } else {
                try service.registerSystem(registration) { callback = $0 }
            }
            return ResultCode.success
        }
        outcome.handle = UnsafeMutableRawPointer(bitPattern: callback)
        return code
    }
}
