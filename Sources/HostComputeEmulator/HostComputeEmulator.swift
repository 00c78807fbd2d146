public import CHostCompute

/// A Host Compute Service for machines that have none.
///
/// It fills the table of vmcompute.dll with functions that keep compute systems, complete operations with
/// notifications, and run every process of a compute system for real: pipes, pseudo-terminals, signals and exit codes.
/// It needs no root and **isolates nothing**: a process runs as the user of the worker, sees the host's files, network
/// and processes, and limits of memory, CPU and storage are validated and remembered but never enforced. A descendant
/// that both starts a session of its own and loses its parent is no longer recognised as part of its compute system.
///
/// There is one host, so there is one emulator to a process; C function pointers capture nothing.
public enum HostComputeEmulator {
    /// The filled table. It lives as long as the process and every function in it may be called from any thread.
    ///
    /// Streams are file descriptors above 2 and belong to the caller. A terminal's output ends with EIO, as on every
    /// Linux pseudo-terminal; a pipe's with end of file. `Save` is not implemented.
    // Safe: the memory is written once, before it is published here, and only read afterwards.
    public nonisolated(unsafe) static let table = publish(EmulatorTable.inProcess())

    static func publish(_ table: HostComputeTable) -> UnsafePointer<HostComputeTable> {
        let memory = UnsafeMutablePointer<HostComputeTable>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UnsafePointer(memory)
    }

    /// Failures, delays and hangs on purpose.
    public static var faults: Faults { ComputeService.shared.faults }

    /// Applies `settings` to systems created from now on, and makes the folders `<root>/layers` and
    /// `<root>/layers/base`.
    ///
    /// - Throws: `ConfigurationFailure` for a root that cannot be made or a fault file that cannot be understood; the
    ///   earlier settings stay.
    public static func configure(_ settings: Settings) throws(ConfigurationFailure) {
        try ComputeService.shared.configure(settings)
    }

    /// What the compute system `id` was given to use, by its document and by later changes; nil when there is none.
    public static func resources(of id: String) -> SystemResources? {
        ComputeService.shared.system(named: id)?.resources
    }

    /// How many handles are open of the compute system `id`, its processes and the callbacks of either: what a client
    /// that has closed everything has none of.
    public static func openHandles(of id: String) -> Int {
        ComputeService.shared.handles.count(of: id)
    }

    /// Behaves like a restart of the service: every registration is notified of ServiceDisconnect, and every handle is
    /// dead (0x800706BF until it is closed). Compute systems live on and can be opened again by id.
    public static func disconnect() {
        ComputeService.shared.disconnect()
    }
}
