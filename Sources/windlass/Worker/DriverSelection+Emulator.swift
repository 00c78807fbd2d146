import ContainerDriver
import Foundation
import HostComputeDriver
import HostComputeEmulator
import Logging
import MessagePack
import Synchronization
import Worker

/// The emulator, behind the socket of a service or in this process.
extension DriverSelection {
    static func emulator(_ owner: String, _ settings: inout WorkerSettings) throws -> DriverSelection {
        HostWords.usePlain()
        let problems = emulatorProblems(settings)
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        if settings.emulatorFaults != nil { settings.emulatorInProcess = true }
        if let socket = settings.emulatorSocket {
            return DriverSelection(driver: driver(try connect(socket, settings.emulatorUser), owner, &settings))
        }
        if settings.emulatorInProcess {
            return DriverSelection(driver: try inProcess(owner, &settings))
        }
        return try own(owner, &settings)
    }

    /// What is wrong with the settings of the emulator.
    static func emulatorProblems(_ settings: WorkerSettings) -> [String] {
        var problems: [String] = []
        if settings.emulatorFaults != nil, settings.emulatorSocket != nil {
            problems.append(
                "emulator_faults is for the emulator inside the worker; give a service its own: "
                    + "windlass hcs-emulator --faults FILE")
        } else if settings.emulatorSocket != nil, settings.emulatorInProcess {
            problems.append(
                "emulator_socket and emulator_in_process exclude each other: the emulator is in a service, or inside "
                    + "the worker")
        }
        return problems
    }

    /// What is wrong with the file of faults.
    static func faultProblems(_ settings: WorkerSettings) -> [String] {
        guard let path = settings.emulatorFaults else { return [] }
        do throws(ConfigurationFailure) {
            try FaultFile.check(path)
            return []
        } catch {
            return ["emulator: \(error)"]
        }
    }

    /// The emulator in this process, whose containers end with it.
    private static func inProcess(_ owner: String, _ settings: inout WorkerSettings) throws
        -> any ContainerDriver
    {
        let root = emulatorRoot(settings.worker.stateDirectory)
        do throws(ConfigurationFailure) {
            try HostComputeEmulator.configure(
                emulatorSettings(root: root, faults: settings.emulatorFaults))
        } catch {
            throw ConfigurationError("emulator: \(error)")
        }
        try makeUtilityVM(root: root)
        addProfiles(root: root, to: &settings.worker)
        return HostComputeDriver(
            table: HostComputeEmulator.table, name: "hcs-emulator", version: WindlassVersion.current,
            owner: owner,
            isolates: false, outlivesWorker: false)
    }

    /// The emulator in a service of the worker's own.
    private static func own(_ owner: String, _ settings: inout WorkerSettings) throws
        -> DriverSelection
    {
        let service = OwnEmulatorService(stateDirectory: settings.worker.stateDirectory)
        let remote = try service.connect()
        let ends = settings.worker.onStop == .stop
        return DriverSelection(driver: driver(remote, owner, &settings)) { logger in
            if ends {
                service.end(logger)
            } else {
                logger.notice(
                    "containers that run are left to the emulator service, which ends when it has none",
                    metadata: ["pid": "\(HostComputeEmulator.servicePID ?? 0)"])
            }
        }
    }

    /// Connects to a service that is started by others.
    private static func connect(_ socket: String, _ user: String?) throws -> HostComputeEmulator.Remote {
        let number = try user.map { name throws(ConfigurationError) in try SystemUser.number(of: name, "emulator_user")
        }
        do throws(ConfigurationFailure) {
            return try HostComputeEmulator.connect(socket: socket, of: number)
        } catch {
            let message = "emulator_socket: \(error)"
            throw error.canPass
                ? ConfigurationError(message, code: EX_UNAVAILABLE) : ConfigurationError(message)
        }
    }

    private static func driver(
        _ remote: HostComputeEmulator.Remote, _ owner: String, _ settings: inout WorkerSettings
    ) -> any ContainerDriver {
        addProfiles(root: remote.service.root, to: &settings.worker)
        return HostComputeDriver(
            table: remote.table, name: "hcs-emulator", version: WindlassVersion.current, owner: owner,
            isolates: false, outlivesWorker: true)
    }

    /// The default folder for the emulator's layers.
    static func emulatorRoot(_ stateDirectory: String) -> String {
        URL(fileURLWithPath: stateDirectory).appendingPathComponent("emulator").path
    }

    /// The settings of an emulator that a worker uses.
    static func emulatorSettings(root: String, faults: String?) -> HostComputeEmulator.Settings {
        // Operations are complete when their calls return, as HCS may do it too: that spares each container several
        // changes of threads. The driver's tests run the emulator the other way.
        var settings = HostComputeEmulator.Settings(root: root, faultFile: faults, completesAtOnce: true)
        settings.processDescriptors = DescriptorLimit.given.withLock { $0 }
        return settings
    }

    /// A utility VM is looked for beside the layers; the emulator's base layer has an empty one.
    static func makeUtilityVM(root: String) throws {
        try FileManager.default.createDirectory(
            atPath: root + "/layers/base/UtilityVM", withIntermediateDirectories: true)
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
