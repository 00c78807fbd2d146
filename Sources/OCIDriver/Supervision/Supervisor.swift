import ContainerDriver
import ContainerModel

/// What keeps the processes of one container while workers come and go: their input, their output and their exit codes.
///
/// Calls that throw wait for the supervisor's answer, and are made on threads that may block. The others never block.
protocol Supervisor: AnyObject, Sendable {
    /// The supervisor's own process.
    var identity: ProcessIdentity { get }
    /// Whether it can still be asked.
    var isConnected: Bool { get }

    /// Has `watcher` notified from now on, first of everything that is known.
    func watch(_ watcher: any SupervisorWatcher) throws(DriverFailure)
    /// Waits until everything has been notified that the supervisor knows now.
    func synchronize() throws(DriverFailure)
    /// Lets the first process run.
    func start() throws(DriverFailure)
    /// Runs one more process.
    /// - Returns: its number.
    func exec(_ name: ProcessName, hasTerminal: Bool, hasInput: Bool) throws(ExecRefusal) -> UInt32
    func resize(_ number: UInt32, _ size: ConsoleSize) throws(DriverFailure)
    /// Asks for output from `offset` on; what is before it may be dropped from now on.
    func read(_ number: UInt32, from offset: UInt64)
    /// Whether output that finds no room holds the process back, in place of the oldest that is dropped.
    func keep(_ number: UInt32, _ keeps: Bool)
    /// Writes to a process's input. `done` is called once, on the supervisor's thread, with an errno and how many bytes
    /// the process has been given in all.
    /// - Returns: false where it could not be sent; `done` is not called then.
    func write(
        _ number: UInt32, _ bytes: ArraySlice<UInt8>, at offset: UInt64, end: Bool,
        done: @escaping @Sendable (Int32, UInt64) -> Void
    ) -> Bool
    /// Removes what is kept of an exec that has ended.
    func forget(_ number: UInt32)
    /// The same, and waits until it is done.
    func forgetNow(_ number: UInt32) throws(DriverFailure)
    /// Has the supervisor end, after the first process has ended.
    func end() throws(DriverFailure)
    /// Lets go of the supervisor, which stays.
    func disconnect()
}

/// Is notified by a supervisor, on one thread, in order. It must not block.
protocol SupervisorWatcher: AnyObject, Sendable {
    func processChanged(_ process: SupervisedState)
    func outputArrived(_ number: UInt32, _ piece: OutputPiece)
    /// The supervisor is gone, or has let go. Nothing comes after it.
    func supervisorVanished()
}

/// Why an exec was refused.
enum ExecRefusal: Error {
    /// The name is another's, or was and is still kept.
    case nameTaken
    /// Its specification was removed with what was kept of an earlier process of that name.
    case specificationGone
    /// The container has no process any more, or none yet.
    case notRunning
    /// The runtime refused it; its log says why.
    case refused
    case failed(DriverFailure)
}
