import ContainerDriver
import Foundation
import HostComputeDriver
import HostComputeEmulator
import MessagePack
import Worker

/// Makes the driver that the settings ask for, and gives the worker the profiles that go with it.
enum DriverSelection {
    static func make(_ settings: inout WorkerSettings) throws -> any ContainerDriver {
        let owner = "windlass-\(settings.worker.host)"
        switch settings.driver {
        case .hcs: return try hostComputeService(owner)
        case .emulator: return try emulator(owner, &settings)
        case .auto:
            #if os(Windows)
                return try hostComputeService(owner)
            #else
                return try emulator(owner, &settings)
            #endif
        }
    }

    private static func hostComputeService(_ owner: String) throws -> any ContainerDriver {
        do throws(DriverFailure) {
            return try HostComputeDriver.forThisHost(owner: owner)
        } catch {
            throw ConfigurationError(
                "driver: hcs cannot be used: \(error.message) (the emulator runs anywhere: driver: emulator)")
        }
    }

    private static func emulator(_ owner: String, _ settings: inout WorkerSettings) throws -> any ContainerDriver {
        let root = URL(fileURLWithPath: settings.worker.stateDirectory).appendingPathComponent("emulator").path
        do throws(ConfigurationFailure) {
            // Operations are complete when their calls return, as HCS may do it too: that spares each container several
            // changes of threads. The driver's tests run the emulator the other way.
            try HostComputeEmulator.configure(
                HostComputeEmulator.Settings(root: root, faultFile: settings.emulatorFaults, completesAtOnce: true))
        } catch {
            throw ConfigurationError("emulator: \(error)")
        }
        // A utility VM is looked for beside the layers; the emulator's base layer has an empty one.
        try FileManager.default.createDirectory(
            atPath: root + "/layers/base/UtilityVM", withIntermediateDirectories: true)
        addProfiles(root: root, to: &settings.worker)
        return HostComputeDriver(
            table: HostComputeEmulator.table, name: "hcs-emulator", version: WindlassVersion.current, owner: owner,
            isolates: false, outlivesWorker: false)
    }

    /// The emulator's own profiles, and the configured ones on top of them: so every specification has layers.
    private static func addProfiles(root: String, to worker: inout WorkerConfiguration) {
        let layers: Value = [.string(root + "/layers/base"), .string(root + "/layers/{id}")]
        // HCS wants the volume of the scratch layer; the emulator has none and wants the form only.
        let plain: Value = [
            "root": ["path": #"\\?\Volume{00000000-0000-0000-0000-000000000000}\"#],
            "windows": ["layerFolders": layers],
        ]
        let hyperV: Value = ["windows": ["layerFolders": layers, "hyperv": [:]]]
        for (name, profile) in worker.profiles {
            let isHyperV = profile["windows"]?["hyperv"] != nil
            worker.profiles[name] = (isHyperV ? hyperV : plain).merging(profile)
        }
        if worker.profiles["default"] == nil { worker.profiles["default"] = plain }
        if worker.profiles["hyperv"] == nil { worker.profiles["hyperv"] = hyperV }
        if worker.defaultProfile == nil { worker.defaultProfile = "default" }
    }
}
