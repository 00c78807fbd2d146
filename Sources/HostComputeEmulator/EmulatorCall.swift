/// A call of the table, by the name of its export.
public enum EmulatorCall: String, Sendable, CaseIterable {
    /// HcsEnumerateComputeSystems
    case enumerateComputeSystems = "HcsEnumerateComputeSystems"
    /// HcsCreateComputeSystem
    case createComputeSystem = "HcsCreateComputeSystem"
    /// HcsOpenComputeSystem
    case openComputeSystem = "HcsOpenComputeSystem"
    /// HcsCloseComputeSystem
    case closeComputeSystem = "HcsCloseComputeSystem"
    /// HcsStartComputeSystem
    case startComputeSystem = "HcsStartComputeSystem"
    /// HcsShutdownComputeSystem
    case shutdownComputeSystem = "HcsShutdownComputeSystem"
    /// HcsTerminateComputeSystem
    case terminateComputeSystem = "HcsTerminateComputeSystem"
    /// HcsPauseComputeSystem
    case pauseComputeSystem = "HcsPauseComputeSystem"
    /// HcsResumeComputeSystem
    case resumeComputeSystem = "HcsResumeComputeSystem"
    /// HcsSaveComputeSystem
    case saveComputeSystem = "HcsSaveComputeSystem"
    /// HcsGetComputeSystemProperties
    case getComputeSystemProperties = "HcsGetComputeSystemProperties"
    /// HcsModifyComputeSystem
    case modifyComputeSystem = "HcsModifyComputeSystem"
    /// HcsRegisterComputeSystemCallback
    case registerComputeSystemCallback = "HcsRegisterComputeSystemCallback"
    /// HcsUnregisterComputeSystemCallback
    case unregisterComputeSystemCallback = "HcsUnregisterComputeSystemCallback"
    /// HcsCreateProcess
    case createProcess = "HcsCreateProcess"
    /// HcsOpenProcess
    case openProcess = "HcsOpenProcess"
    /// HcsCloseProcess
    case closeProcess = "HcsCloseProcess"
    /// HcsTerminateProcess
    case terminateProcess = "HcsTerminateProcess"
    /// HcsSignalProcess
    case signalProcess = "HcsSignalProcess"
    /// HcsGetProcessInfo
    case getProcessInfo = "HcsGetProcessInfo"
    /// HcsGetProcessProperties
    case getProcessProperties = "HcsGetProcessProperties"
    /// HcsModifyProcess
    case modifyProcess = "HcsModifyProcess"
    /// HcsRegisterProcessCallback
    case registerProcessCallback = "HcsRegisterProcessCallback"
    /// HcsUnregisterProcessCallback
    case unregisterProcessCallback = "HcsUnregisterProcessCallback"
    /// HcsGetServiceProperties
    case getServiceProperties = "HcsGetServiceProperties"
}
