import CHostCompute

/// A refused call: its HRESULT, and the words that its result document carries.
struct HostFailure: Error {
    let code: HcsResult
    let message: String

    /// The result document of HostComputeService B.5.
    var document: String {
        var event = JSONObject()
        event.add("Message", string: message)
        event.add("StackTrace", string: "")
        event.add("Provider", string: "00000000-0000-0000-0000-000000000000")
        event.add("EventId", 0)
        event.add("Flags", 0)
        event.add("Source", string: "HostComputeEmulator")
        var document = JSONObject()
        document.add("Error", code)
        document.add("ErrorMessage", string: message)
        document.add("ErrorEvents", json: "[" + event.finish() + "]")
        return document.finish()
    }
}

extension HostFailure {
    static let invalidHandle = HostFailure(code: ResultCode.invalidHandle, message: "The handle is not open.")
    /// Stands for a result that no parser understands.
    static let unparsable = "\u{0}"

    static let alreadyStopped = HostFailure(
        code: ResultCode.systemAlreadyStopped, message: "The compute system has already stopped.")

    static func invalidArgument(_ message: String) -> HostFailure {
        HostFailure(code: ResultCode.invalidArgument, message: message)
    }

    static func invalidDocument(_ message: String) -> HostFailure {
        HostFailure(code: ResultCode.invalidDocument, message: message)
    }

    static func invalidState(_ phase: Phase) -> HostFailure {
        HostFailure(
            code: ResultCode.invalidState, message: "The compute system is \(phase); the call does not fit that state.")
    }

    static func folderNotFound(_ role: String, _ path: String) -> HostFailure {
        HostFailure(code: ResultCode.pathNotFound, message: "\(role): the folder '\(path)' does not exist.")
    }
}
