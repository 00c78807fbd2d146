public import CHostCompute
import Glibc
import Synchronization

/// The emulator in another process: a service that outlives its clients.
extension HostComputeEmulator {
    /// An emulator service that answers.
    public struct Remote {
        /// The same functions, answered by the service. It lives as long as this process.
        ///
        /// While the service is away, calls answer 0x800706BF; every registration then hears ServiceDisconnect, and all
        /// handles stay dead until they are closed. The next call that needs none connects again.
        public let table: UnsafePointer<HostComputeTable>
        /// The service's root folder, which holds `layers`.
        public let root: String
    }

    /// Connects to the service at a socket, which this process uses from now on in place of any other.
    /// - Parameter patience: how long a service that is not there yet is waited for: it may be starting, too.
    /// - Throws: ``ConfigurationFailure`` where none answers, or one that cannot be understood.
    public static func connect(
        socket path: String, patience: Duration = .seconds(5)
    ) throws(ConfigurationFailure) -> Remote {
        let emulator = RemoteEmulator(path)
        let deadline = ContinuousClock.now + patience
        while true {
            do throws(RemoteEmulator.Refusal) {
                let root = try emulator.connect().root
                RemoteEmulator.shared.withLock { $0 = emulator }
                return Remote(table: RemoteEmulator.table, root: root)
            } catch {
                guard error == .absent, ContinuousClock.now < deadline else {
                    throw ConfigurationFailure(description: error.message(path), canPass: error == .absent)
                }
            }
            usleep(20_000)
        }
    }
}
