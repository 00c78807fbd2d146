import Foundation
import Worker

/// What is wrong with the settings for a driver, as far as that shows without one: for `config check`.
extension DriverSelection {
    static let emulatorOnWindows =
        "driver: the emulator runs processes of Linux; on Windows use driver: hcs"
    static let hcsElsewhere =
        "driver: hcs drives the Host Compute Service of Windows, which this host does not have; use driver: oci, "
        + "which needs root and a runtime, driver: emulator, which runs processes without isolation, or leave the setting out"

    /// What the driver that is chosen would refuse.
    static func problems(_ settings: WorkerSettings) -> [String] {
        #if os(Windows)
            return settings.driver == .emulator ? [emulatorOnWindows] : []
        #else
            switch settings.driver {
            case .hcs: return [hcsElsewhere]
            case .oci: return runtimeProblems(settings)
            case .auto: return emulatorProblems(settings) + faultProblems(settings) + runtimeProblems(settings)
            case .emulator: return emulatorProblems(settings) + faultProblems(settings)
            }
        #endif
    }

    /// The profiles that a worker has besides those of its configuration.
    static func ownProfiles(_ settings: WorkerSettings) -> Set<String> {
        #if os(Windows)
            return []
        #else
            switch settings.driver {
            case .hcs: return []
            case .oci: return ["busybox"]
            case .emulator: return ["default", "hyperv"]
            case .auto: return settings.choosesEmulator ? ["default", "hyperv"] : ["busybox", "default", "hyperv"]
            }
        #endif
    }
}
