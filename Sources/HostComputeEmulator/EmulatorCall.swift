/// A call of the table, by the name of its export.
public enum EmulatorCall: String, Sendable, CaseIterable {
    case enumerateComputeSystems = "HcsEnumerateComputeSystems"
    case createComputeSystem = "HcsCreateComputeSystem"
    case openComputeSystem = "HcsOpenComputeSystem"
    case closeComputeSystem = "HcsCloseComputeSystem"
    case startComputeSystem = "HcsStartComputeSystem"
    case shutdownComputeSystem = "HcsShutdownComputeSystem"
    case terminateComputeSystem = "HcsTerminateComputeSystem"
    case pauseComputeSystem = "HcsPauseComputeSystem"
    case resumeComputeSystem = "HcsResumeComputeSystem"
    case saveComputeSystem = "HcsSaveComputeSystem"
    case getComputeSystemProperties = "HcsGetComputeSystemProperties"
    case modifyComputeSystem = "HcsModifyComputeSystem"
    case registerComputeSystemCallback = "HcsRegisterComputeSystemCallback"
    case unregisterComputeSystemCallback = "HcsUnregisterComputeSystemCallback"
    case createProcess = "HcsCreateProcess"
    case openProcess = "HcsOpenProcess"
    case closeProcess = "HcsCloseProcess"
    case terminateProcess = "HcsTerminateProcess"
    case signalProcess = "HcsSignalProcess"
    case getProcessInfo = "HcsGetProcessInfo"
    case getProcessProperties = "HcsGetProcessProperties"
    case modifyProcess = "HcsModifyProcess"
    case registerProcessCallback = "HcsRegisterProcessCallback"
    case unregisterProcessCallback = "HcsUnregisterProcessCallback"
    case getServiceProperties = "HcsGetServiceProperties"
}

/// The shape of each call.
extension EmulatorCall {
    /// What a handle stands for.
    enum Kind: Sendable {
        case system, process, systemCallback, processCallback

        /// What the table calls the parameter that is given such a handle.
        var parameter: String {
            switch self {
            case .system: "computeSystem"
            case .process: "process"
            case .systemCallback, .processCallback: "callbackHandle"
            }
        }
    }

    /// The handle that the call is made on; nil where it takes none.
    var target: Kind? {
        switch self {
        case .enumerateComputeSystems, .createComputeSystem, .openComputeSystem, .getServiceProperties: nil
        case .unregisterComputeSystemCallback: .systemCallback
        case .unregisterProcessCallback: .processCallback
        case .closeProcess, .terminateProcess, .signalProcess, .getProcessInfo, .getProcessProperties, .modifyProcess,
            .registerProcessCallback:
            .process
        default: .system
        }
    }

    /// The handle that the call gives; nil where it gives none.
    var makes: Kind? {
        switch self {
        case .createComputeSystem, .openComputeSystem: .system
        case .createProcess, .openProcess: .process
        case .registerComputeSystemCallback: .systemCallback
        case .registerProcessCallback: .processCallback
        default: nil
        }
    }

    /// Whether the handle is closed when the call succeeds.
    var closes: Bool {
        switch self {
        case .closeComputeSystem, .closeProcess, .unregisterComputeSystemCallback, .unregisterProcessCallback: true
        default: false
        }
    }

    /// Whether the call registers a callback.
    var registers: Bool { self == .registerComputeSystemCallback || self == .registerProcessCallback }

    /// The parameter that is given a document; nil where there is none.
    var textParameter: String? {
        switch self {
        case .enumerateComputeSystems: "computeSystems"
        case .getComputeSystemProperties, .getProcessProperties, .getServiceProperties: "properties"
        default: nil
        }
    }

    /// Whether the call gives a process's id and streams.
    var givesInformation: Bool { self == .createProcess || self == .getProcessInfo }
}
