import Foundation
import MessagePack
import Worker

/// All settings of `windlass worker`: those of the worker itself, and those of its driver and log.
struct WorkerSettings: Sendable {
    /// Which driver runs the containers.
    enum Driver: String, Sendable, CaseIterable {
        /// HCS on Windows; on Linux an OCI runtime where the worker is root and one works, else the emulator. A setting of
        /// the emulator chooses the emulator.
        case auto
        case hcs
        case oci
        case emulator
    }

    var worker: WorkerConfiguration
    var driver = Driver.auto
    var logLevel = "info"
    var logFormat = WorkerLogging.Format.auto
    /// The socket of an emulator service that this worker does not start.
    var emulatorSocket: String?
    /// The user whose emulator service is trusted, besides this process's own and root.
    var emulatorUser: String?
    /// Whether the emulator is inside the worker, and not in a service of the worker's own.
    var emulatorInProcess = false
    /// A file of faults for the emulator inside the worker.
    var emulatorFaults: String?
    /// The OCI runtime: `auto`, `runc`, `crun` or a path.
    var ociRuntime = "auto"
    /// The supervisor's program; beside this program where it is nil.
    var ociSupervisor: String?
    /// What specifications may ask for beyond the ordinary, by the names of `Permission`.
    var ociAllow: [String] = []
    /// Host folders that containers may mount, each as `PATH` or `PATH:ro`.
    var ociMounts: [String] = []
    /// Capabilities that processes may have beyond the ordinary.
    var ociCapabilities: [String] = []
    /// The folder with the configurations of CNI networks.
    var ociNetworks = "/etc/cni/net.d"
    /// The folders with CNI plugins.
    var ociNetworkPlugins = ["/opt/cni/bin", "/usr/lib/cni"]
    /// Where each setting came from that is not at its default.
    var sources: [String: String] = [:]

    /// Whether a setting asks for the emulator.
    var choosesEmulator: Bool { emulatorSocket != nil || emulatorInProcess || emulatorFaults != nil }

    /// The defaults.
    init() {
        let host = ProcessInfo.processInfo.hostName
        worker = WorkerConfiguration(
            host: host.isEmpty ? "localhost" : host, stateDirectory: WorkerSettings.stateDirectory)
        worker.access.clientsDirectory = KeyPlaces.clientsDirectory
    }

    /// `/var/lib/windlass` for root, else a folder of the user's own.
    private static var stateDirectory: String {
        let environment = ProcessInfo.processInfo.environment
        #if os(Windows)
            return (environment["ProgramData"] ?? "C:\\ProgramData") + "\\windlass"
        #else
            if getuid() == 0 { return "/var/lib/windlass" }
            if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return state + "/windlass" }
            return NSHomeDirectory() + "/.local/state/windlass"
        #endif
    }
}

/// A configuration that is not valid. The program ends with exit code 78, `EX_CONFIG` of sysexits.h, unless starting
/// again could help.
struct ConfigurationError: Error, CustomStringConvertible {
    static let exitCode: Int32 = 78
    /// All that is wrong, each in one sentence.
    let problems: [String]
    let code: Int32

    init(_ description: String, code: Int32 = exitCode) {
        problems = [description]
        self.code = code
    }

    init(_ problems: [String]) {
        self.problems = problems
        code = ConfigurationError.exitCode
    }

    /// One problem a line.
    var description: String { problems.joined(separator: "\n") }
}
