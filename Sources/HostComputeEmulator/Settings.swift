extension HostComputeEmulator {
    /// How the emulator behaves.
    public struct Settings: Sendable {
        /// The folder that holds `layers`. A LayerFolderPath directly inside `<root>/layers` is made by the emulator
        /// when the compute system is created, and removed when it is gone.
        public var root: String

        /// How long processes may take to end after SIGTERM before they are killed, when a system is shut down.
        public var grace: Duration

        /// A file of faults to set, in the form of `FaultFile`; nil for none.
        public var faultFile: String?

        /// The exit code of a process ended by HcsTerminateProcess or HcsTerminateComputeSystem, which no source
        /// fixes. Nil: 128 + 9, as in a shell.
        public var terminatedExitCode: UInt32?

        /// True: to terminate an exited process answers 0x8037011F, as newer Windows does; false: 0x80070490.
        public var answersProcessAlreadyStopped: Bool

        /// True: operations are complete when their call returns, with S_OK and no completion notification.
        public var completesAtOnce: Bool

        /// True, for a service that outlives its clients: a process that has exited can be opened by its id until its
        /// compute system is gone, with its exit code and its unread output. The newest 1,000 of a system are kept, and
        /// the basic properties list them under `CreatedProcesses`. A system that has stopped is kept until a client
        /// has opened and closed it. False, as in HCS: an exited process is gone with its last handle.
        public var keepsExited: Bool

        /// How many file descriptors a process may have; nil for as many as this program.
        public var processDescriptors: Int?

        /// Settings for a root folder; everything else at its default.
        public init(
            root: String, grace: Duration = .seconds(2), faultFile: String? = nil, terminatedExitCode: UInt32? = nil,
            answersProcessAlreadyStopped: Bool = false, completesAtOnce: Bool = false, keepsExited: Bool = false
        ) {
            self.root = root
            self.grace = grace
            self.faultFile = faultFile
            self.terminatedExitCode = terminatedExitCode
            self.answersProcessAlreadyStopped = answersProcessAlreadyStopped
            self.completesAtOnce = completesAtOnce
            self.keepsExited = keepsExited
        }
    }
}
