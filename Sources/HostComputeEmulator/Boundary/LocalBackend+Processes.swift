import ContainerModel
import Glibc

/// The calls on a process.
extension LocalBackend {
    private static let consoleSignals = [
        "CtrlC": SIGINT, "CtrlBreak": SIGQUIT, "CtrlClose": SIGHUP, "CtrlLogOff": SIGHUP, "CtrlShutdown": SIGTERM,
    ]

    func answer(_ request: EmulatorRequest, _ process: EmulatedProcess) throws(HostFailure) -> EmulatorReply {
        switch request.call {
        case .terminateProcess: try deliver(SIGKILL, to: process)
        case .signalProcess:
            let name = try ClientDocument.read(SignalOptions.self, request.text).signal ?? ""
            guard let signal = LocalBackend.consoleSignals[name] else {
                throw .invalidArgument(
                    "Signal: '\(name)' is none of CtrlC, CtrlBreak, CtrlClose, CtrlLogOff, CtrlShutdown.")
            }
            try deliver(signal, to: process)
        case .getProcessInfo:
            let pid = UInt32(truncatingIfNeeded: process.pid)
            return EmulatorReply(pid: pid, streams: try process.streams())
        case .getProcessProperties:
            if service.faults.dropsProperties(request.call, process.system.id) { return EmulatorReply() }
            return EmulatorReply(text: process.properties())
        default:
            let settings = try required(request.text, "settings")
            try modify(process, ClientDocument.read(ProcessModification.self, settings))
        }
        return EmulatorReply()
    }

    private func deliver(_ signal: Int32, to process: EmulatedProcess) throws(HostFailure) {
        if process.signal(signal) { return }
        if process.system.settings.answersProcessAlreadyStopped {
            throw HostFailure(
                code: ResultCode.processAlreadyStopped, message: EmulatedProcess.hasExited.message)
        }
        throw EmulatedProcess.hasExited
    }

    private func modify(_ process: EmulatedProcess, _ request: ProcessModification) throws(HostFailure) {
        switch request.operation {
        case "ConsoleSize":
            let limits = 1...Int64(UInt16.max)
            let size = request.consoleSize
            guard let height = try ClientDocument.check(size?.height, "Height", in: limits),
                let width = try ClientDocument.check(size?.width, "Width", in: limits)
            else { throw .invalidDocument("ConsoleSize: Height and Width are expected.") }
            try process.resize(
                ConsoleSize(width: UInt16(truncatingIfNeeded: width), height: UInt16(truncatingIfNeeded: height)))
        case "CloseHandle":
            try process.closeStream(request.closeHandle?.handle ?? "")
        default: throw .invalidArgument("Operation: ConsoleSize or CloseHandle is expected.")
        }
    }
}
