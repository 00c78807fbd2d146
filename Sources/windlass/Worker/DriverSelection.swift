import ContainerDriver
import Foundation
import HostComputeDriver
import Logging
import Worker

/// The driver that the settings ask for; the worker is given the profiles that go with it.
struct DriverSelection {
    let driver: any ContainerDriver
    /// Which driver was chosen, and why; nil where the settings name it.
    var reason: String?
    /// What is left to do when the worker has stopped in order.
    var afterStop: (Logger) -> Void = { _ in }

    static func make(_ settings: inout WorkerSettings) throws -> DriverSelection {
        settings.worker.hasBeenUsed = OwnerTag.isThere(stateDirectory: settings.worker.stateDirectory)
        let owner = try OwnerTag.read(stateDirectory: settings.worker.stateDirectory)
        #if os(Windows)
            guard settings.driver != .emulator else {
                throw ConfigurationError(emulatorOnWindows)
            }
            return DriverSelection(driver: try hostComputeService(owner))
        #else
            switch settings.driver {
            case .hcs: return DriverSelection(driver: try hostComputeService(owner))
            case .emulator: return try emulator(owner, &settings)
            case .oci: return try runtime(owner, &settings)
            case .auto: return try automatic(owner, &settings)
            }
        #endif
    }

    private static func hostComputeService(_ owner: String) throws -> any ContainerDriver {
        do throws(DriverFailure) {
            return try HostComputeDriver.forThisHost(owner: owner)
        } catch  where error.code == .unimplemented {
            throw ConfigurationError(hcsElsewhere)
        } catch {
            throw ConfigurationError("driver: hcs cannot be used: \(error.message)")
        }
    }
}
