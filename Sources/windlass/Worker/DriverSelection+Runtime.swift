import ContainerDriver
import Foundation
import MessagePack
import OCIDriver
import Worker

/// An OCI runtime of this host, and the choice between it and the emulator.
extension DriverSelection {
    /// The settings' `auto` on Linux.
    static func automatic(_ owner: String, _ settings: inout WorkerSettings) throws -> DriverSelection {
        var reason: String
        if settings.choosesEmulator {
            reason = "a setting of the emulator is given"
        } else if geteuid() != 0 {
            reason = "containers need root, and this worker is not root"
        } else {
            var attempt = settings
            do {
                let selection = try runtime(owner, &attempt)
                settings = attempt
                return selection
            } catch let error as DriverFailure {
                reason = error.message
            }
        }
        var selection = try emulator(owner, &settings)
        selection.reason = reason
        return selection
    }

    /// The settings' `oci`.
    static func runtime(_ owner: String, _ settings: inout WorkerSettings) throws -> DriverSelection {
        let problems = runtimeProblems(settings)
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        var configuration = OCIConfiguration(
            owner: owner, stateDirectory: settings.worker.stateDirectory + "/oci",
            supervisor: settings.ociSupervisor ?? supervisorBesideThisProgram)
        configuration.runtime = settings.ociRuntime
        configuration.policy = BundlePolicy(
            allowed: Set(settings.ociAllow.compactMap(Permission.init(rawValue:))),
            folders: settings.ociMounts.compactMap(HostFolder.init), capabilities: settings.ociCapabilities)
        configuration.networks = settings.ociNetworks
        configuration.networkPlugins = settings.ociNetworkPlugins
        configuration.outputBytes = UInt64(min(max(settings.worker.limits.outputBytes, 65_536), 1 << 30))
        do throws(DriverFailure) {
            let driver = try OCIDriver(configuration)
            addProfile(to: &settings.worker)
            return DriverSelection(driver: driver, reason: driver.choice) { _ in driver.close() }
        } catch {
            if settings.driver == .auto { throw error }
            throw ConfigurationError("driver: oci cannot be used: \(error.message)")
        }
    }

    /// What is wrong with the settings for a runtime.
    static func runtimeProblems(_ settings: WorkerSettings) -> [String] {
        var problems: [String] = []
        if settings.driver == .oci, settings.choosesEmulator {
            problems.append("driver: oci has no use for the settings of the emulator; leave them out")
        }
        let known = Permission.allCases.map(\.rawValue)
        for name in settings.ociAllow where !known.contains(name) {
            problems.append("oci_allow: there is no \(name); there are \(known.joined(separator: ", "))")
        }
        for text in settings.ociMounts where HostFolder(text) == nil {
            problems.append("oci_mounts: \(text) must be an absolute path, with :ro behind it for read-only")
        }
        for name in settings.ociCapabilities where !name.hasPrefix("CAP_") {
            problems.append("oci_capabilities: \(name) must be a capability's name, such as CAP_NET_ADMIN")
        }
        return problems
    }

    private static var supervisorBesideThisProgram: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("windlass-supervisor").path
    }

    /// The profile `busybox`: so every host has a root file system to try containers with.
    private static func addProfile(to worker: inout WorkerConfiguration) {
        let busybox: Value = ["annotations": ["windlass.rootfs": "busybox"]]
        if worker.profiles["busybox"] == nil { worker.profiles["busybox"] = busybox }
        if worker.defaultProfile == nil { worker.defaultProfile = "busybox" }
    }
}
