import CHostCompute
import Glibc

/// The functions of the table about processes.
extension HostComputeEmulator {
    static func createProcess(
        _ system: HcsSystem?, _ parameters: UnsafePointer<HcsChar>?,
        _ information: UnsafeMutablePointer<HcsProcessInformation>?, _ process: UnsafeMutablePointer<HcsProcess?>?,
        _ result: HostAnswer.Text?, for caller: Caller
    ) -> HcsResult {
        HostAnswer.give(result) { () throws(HostFailure) in
            let service = ComputeService.shared
            let handle = try HostAnswer.required(process, "process")
            handle.pointee = nil
            let information = try HostAnswer.required(information, "processInformation")
            information.pointee = HcsProcessInformation()
            let parameters = try HostAnswer.required(parameters, "processParameters")
            let system = try service.system(system)
            try service.faults.enter(.createProcess, system.id)
            let document = try ProcessDocument(ClientDocument.read(ProcessConfig.self, parameters))
            let (process, streams) = try system.createProcess(document, for: caller)
            if service.faults.exitsBeforeReturn(.createProcess, system.id) { process.waitForExit() }
            HostAnswer.write(process, streams, to: information)
            handle.pointee = UnsafeMutableRawPointer(bitPattern: service.handles.add(.process(process)))
            return ResultCode.success
        }
    }

    static func fillProcesses(_ table: inout HostComputeTable) {
        table.HcsCreateProcess = { system, parameters, information, process, result in
            HostComputeEmulator.createProcess(system, parameters, information, process, result, for: .local)
        }
        table.HcsOpenProcess = { system, pid, process, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                let service = ComputeService.shared
                let handle = try HostAnswer.required(process, "process")
                handle.pointee = nil
                let system = try service.system(system)
                try service.faults.enter(.openProcess, system.id)
                let process = try system.openProcess(pid_t(truncatingIfNeeded: pid))
                handle.pointee = UnsafeMutableRawPointer(bitPattern: service.handles.add(.process(process)))
                return ResultCode.success
            }
        }
        table.HcsCloseProcess = { handle in
            HostAnswer.give { () throws(HostFailure) in
                let service = ComputeService.shared
                let number = UInt(bitPattern: handle)
                if case .process(let process) = service.handles[number] {
                    try service.faults.enter(.closeProcess, process.system.id)
                }
                switch service.handles.remove(number, where: \.isProcess) {
                case .process(let process): service.close(process, number)
                case .dead: break
                default: throw .invalidHandle
                }
                return ResultCode.success
            }
        }
        table.HcsRegisterProcessCallback = { process, callback, context, handle in
            HostAnswer.give { () throws(HostFailure) in
                let service = ComputeService.shared
                let out = try HostAnswer.required(handle, "callbackHandle")
                out.pointee = nil
                let callback = try HostAnswer.required(callback, "callback")
                let registration = Registration(
                    callback: callback, context: context, handle: UInt(bitPattern: process))
                try service.registerProcess(registration) { out.pointee = UnsafeMutableRawPointer(bitPattern: $0) }
                return ResultCode.success
            }
        }
        table.HcsUnregisterProcessCallback = { handle in
            HostAnswer.give { () throws(HostFailure) in
                let service = ComputeService.shared
                let number = UInt(bitPattern: handle)
                guard case .processCallback(let registration, let process) = service.handles[number] else {
                    throw .invalidHandle
                }
                try service.faults.enter(.unregisterProcessCallback, process.system.id)
                process.unregister(registration)
                try registration.cancel()
                _ = service.handles.remove(number, where: { _ in true })
                return ResultCode.success
            }
        }
    }

    static func fillProcessHandles(_ table: inout HostComputeTable) {
        table.HcsTerminateProcess = { process, result in
            HostComputeEmulator.onProcess(.terminateProcess, process, result) { (process) throws(HostFailure) in
                try HostComputeEmulator.deliver(SIGKILL, to: process)
            }
        }
        table.HcsSignalProcess = { process, options, result in
            HostComputeEmulator.onProcess(.signalProcess, process, result) { (process) throws(HostFailure) in
                let name = try ClientDocument.read(SignalOptions.self, options).signal ?? ""
                guard let signal = HostComputeEmulator.consoleSignals[name] else {
                    throw .invalidArgument(
                        "Signal: '\(name)' is none of CtrlC, CtrlBreak, CtrlClose, CtrlLogOff, CtrlShutdown.")
                }
                try HostComputeEmulator.deliver(signal, to: process)
            }
        }
        table.HcsGetProcessInfo = { process, information, result in
            HostComputeEmulator.onProcess(.getProcessInfo, process, result) { (process) throws(HostFailure) in
                let information = try HostAnswer.required(information, "processInformation")
                information.pointee = HcsProcessInformation()
                HostAnswer.write(process, try process.streams(), to: information)
            }
        }
        table.HcsGetProcessProperties = { process, properties, result in
            HostComputeEmulator.onProcess(.getProcessProperties, process, result) { (process) throws(HostFailure) in
                let properties = try HostAnswer.required(properties, "properties")
                properties.pointee = nil
                if process.system.service.faults.dropsProperties(.getProcessProperties, process.system.id) { return }
                try HostAnswer.write(process.properties(), to: properties)
            }
        }
        table.HcsModifyProcess = { process, settings, result in
            HostComputeEmulator.onProcess(.modifyProcess, process, result) { (process) throws(HostFailure) in
                let settings = try HostAnswer.required(settings, "settings")
                try HostComputeEmulator.modify(process, ClientDocument.read(ProcessModification.self, settings))
            }
        }
    }

    private static let consoleSignals = [
        "CtrlC": SIGINT, "CtrlBreak": SIGQUIT, "CtrlClose": SIGHUP, "CtrlLogOff": SIGHUP, "CtrlShutdown": SIGTERM,
    ]

    private static func deliver(_ signal: Int32, to process: ComputeProcess) throws(HostFailure) {
        if process.signal(signal) { return }
        if process.system.settings.answersProcessAlreadyStopped {
            throw HostFailure(
                code: ResultCode.processAlreadyStopped, message: ComputeProcess.hasExited.message)
        }
        throw ComputeProcess.hasExited
    }

    private static func modify(_ process: ComputeProcess, _ request: ProcessModification) throws(HostFailure) {
        switch request.operation {
        case "ConsoleSize":
            let limits = 1...Int64(UInt16.max)
            let size = request.consoleSize
            guard let height = try ClientDocument.check(size?.height, "Height", in: limits),
                let width = try ClientDocument.check(size?.width, "Width", in: limits)
            else { throw .invalidDocument("ConsoleSize: Height and Width are expected.") }
            try process.resize(
                ConsoleSize(height: UInt16(truncatingIfNeeded: height), width: UInt16(truncatingIfNeeded: width)))
        case "CloseHandle":
            try process.closeStream(request.closeHandle?.handle ?? "")
        default: throw .invalidArgument("Operation: ConsoleSize or CloseHandle is expected.")
        }
    }

    private static func onProcess(
        _ call: EmulatorCall, _ handle: HcsProcess?, _ result: HostAnswer.Text?,
        _ body: (ComputeProcess) throws(HostFailure) -> Void
    ) -> HcsResult {
        HostAnswer.give(result) { () throws(HostFailure) in
            let process = try ComputeService.shared.process(handle)
            try process.system.service.faults.enter(call, process.system.id)
            try body(process)
            return ResultCode.success
        }
    }
}
