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
        var configuration = OCIConfiguration(
            owner: owner, stateDirectory: settings.worker.stateDirectory + "/oci",
            supervisor: settings.ociSupervisor ?? supervisorBesideThisProgram)
        configuration.runtime = settings.ociRuntime
        configuration.policy = try policy(settings)
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

    private static func policy(_ settings: WorkerSettings) throws -> BundlePolicy {
        let allowed = try settings.ociAllow.map { name in
            guard let permission = Permission(rawValue: name) else {
                let known = Permission.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConfigurationError("oci_allow: there is no \(name); there are \(known)")
            }
            return permission
        }
        let folders = try settings.ociMounts.map { text in
            guard let folder = HostFolder(text) else {
                throw ConfigurationError(
                    "oci_mounts: \(text) must be an absolute path, with :ro behind it for read-only")
            }
            return folder
        }
        for name in settings.ociCapabilities where !name.hasPrefix("CAP_") {
            throw ConfigurationError("oci_capabilities: \(name) must be a capability's name, such as CAP_NET_ADMIN")
        }
        return BundlePolicy(allowed: Set(allowed), folders: folders, capabilities: settings.ociCapabilities)
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
