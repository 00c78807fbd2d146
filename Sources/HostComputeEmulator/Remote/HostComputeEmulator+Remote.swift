public import CHostCompute
import Synchronization

/// The emulator in another process: a service that outlives its clients.
extension HostComputeEmulator {
    /// An emulator service that answers.
    public struct Remote {
        /// What a service reports about itself.
        public struct Service: Sendable, Equatable {
            /// Its root folder, which holds `layers`.
            public let root: String
            /// The name and version of the service's program, as `windlass 1.2.0`; empty if it does not report them.
            public let program: String
            /// The process that serves.
            public let pid: Int32
        }

        /// The same functions, answered by the service. It lives as long as this process.
        ///
        /// While the service is away, calls answer 0x800706BF. Every registration is then notified of
        /// ServiceDisconnect, and all handles stay dead until they are closed. The next call that needs no handle
        /// connects again.
        public let table: UnsafePointer<HostComputeTable>
        public let service: Service
    }

    /// Written once, before it is published here, and only read afterwards.
    private nonisolated(unsafe) static let remoteTable = publish(EmulatorTable.overSocket())

    /// Connects to the service at a socket, which this process uses from now on in place of any other.
    /// - Parameters:
    ///   - patience: how long a service that is not there yet is waited for: it may be starting, too.
    ///   - user: another user, whose service is trusted.
    ///   - start: starts a service where none answers, now and later, and returns at once; it is called again and again
    ///     while none answers, on any thread and never twice at a time. False where that is of no use.
    /// - Throws: ``ConfigurationFailure`` where none answers, or one that cannot be understood.
    public static func connect(
        socket path: String, of user: UInt32? = nil, patience: Duration = .seconds(5),
        start: (@Sendable () -> Bool)? = nil
    ) throws(ConfigurationFailure) -> Remote {
        let emulator = RemoteEmulator(path, of: user, start: start)
        do throws(RemoteEmulator.Refusal) {
            let service = try emulator.connect(patience: patience).service
            RemoteEmulator.shared.withLock { $0 = emulator }
            return Remote(table: remoteTable, service: service)
        } catch {
            throw ConfigurationFailure(description: error.message(path), canPass: error == .absent)
        }
    }

    /// The process of the service that this process is connected to; nil while it is to none.
    public static var servicePID: Int32? { RemoteEmulator.shared.withLock { $0 }?.connected?.service.pid }
}
