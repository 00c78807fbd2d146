import ContainerDriver
import Foundation
import HostComputeDriver
import Worker

/// Makes the driver that the settings ask for, and gives the worker the profiles that go with it.
enum DriverSelection {
    static func make(_ settings: inout WorkerSettings) throws -> any ContainerDriver {
        let owner = try OwnerTag.read(stateDirectory: settings.worker.stateDirectory)
        #if os(Windows)
            guard settings.driver != .emulator else {
                throw ConfigurationError("driver: the emulator runs processes of Linux; on Windows use driver: hcs")
            }
            return try hostComputeService(owner)
        #else
            return try settings.driver == .hcs ? hostComputeService(owner) : emulator(owner, &settings)
        #endif
    }

    private static func hostComputeService(_ owner: String) throws -> any ContainerDriver {
        do throws(DriverFailure) {
            return try HostComputeDriver.forThisHost(owner: owner)
        } catch  where error.code == .unimplemented {
            throw ConfigurationError(
                "driver: hcs drives the Host Compute Service of Windows, which this host does not have; use driver: "
                    + "emulator, which runs processes without isolation, or leave the setting out")
        } catch {
            throw ConfigurationError("driver: hcs cannot be used: \(error.message)")
        }
    }
}
