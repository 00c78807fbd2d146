public import ContainerModel

/// The port that every driver implements: what the worker needs of a host's container service.
///
/// Every call blocks until the operation is complete or has failed, so it is made on the worker's blocking pool, never
/// on Swift's cooperative pool and never on the socket loop. Calls for one container come one after another, except
/// `signal`, `terminate`, `check`, `resize`, `statistics` and `processes`, which may come at any time, also while
/// another call of the same container hangs. A driver never lets one container's call wait for another container's.
///
/// Exits are reported to the ``DriverEvents`` given to ``connect(_:)``, on any thread, at any time after the process
/// began to run, also before `start` has returned. All that a process had written is handed to its ``ProcessOutput``
/// before its exit is reported.
public protocol ContainerDriver: Sendable {
    /// `hcs`, `hcs-emulator`, `oci`, ...: what `version` calls the driver.
    var name: String { get }
    /// The version of the service behind the driver, as far as it is known.
    var version: String { get }
    /// What this driver can do on this host.
    var capabilities: Set<Capability> { get }

    /// Whether it reads the whole of a specification itself: it is then given the text (`OCISpecification.document`,
    /// `OCIProcess.document`), and reports what it ignores.
    var readsDocuments: Bool { get }

    /// Sets the receiver of the driver's events. Called once, before any other call.
    func connect(_ events: any DriverEvents)

    /// What ``create(_:_:)`` would hand to the service. Fails as the create, or the start after it, would fail because
    /// of the specification. It changes nothing on the host and may come at any time, also for an id that is taken.
    func plan(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> ContainerPlan

    /// Makes a compute system. A create that fails leaves nothing behind.
    func create(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> CreatedContainer

    /// Starts the compute system and its first process. If the system runs already, because an earlier worker died in
    /// between, only the process is started.
    ///
    /// A start that fails keeps the compute system, and the worker discards the container. If the worker dies before
    /// that, the next one still finds the system.
    func start(
        _ id: ContainerID, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess

    /// Starts one more process in a running container.
    func startProcess(
        _ id: ContainerID, _ name: ProcessName, _ process: OCIProcess, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess

    /// Sends a signal to a process; one that cannot be delivered because the process has ended is no failure.
    ///
    /// A number is the host's own: on Linux 1 is HUP, 2 INT, 3 QUIT, 9 KILL and 15 TERM; on Windows numbers are console
    /// control codes. 0 is no signal and is refused.
    func signal(_ id: ContainerID, _ process: ProcessName, _ signal: Signal) throws(DriverFailure)

    /// Shuts the compute system down after its first process has ended: gracefully, or by force if that fails. When it
    /// returns, every process's exit has been reported and the system is closed; only ``discard(_:)`` may follow.
    func shutDown(_ id: ContainerID) throws(DriverFailure) -> ShutDown

    /// Ends the compute system and everything in it by force. The exits are reported to ``DriverEvents`` as usual.
    func terminate(_ id: ContainerID) throws(DriverFailure)

    /// Forgets the container, and terminates it first if it still exists. Not a failure if nothing is left to forget.
    func discard(_ id: ContainerID) throws(DriverFailure)

    /// Asks the service whether the container's processes still run. An exit that is found this way is reported to
    /// ``DriverEvents`` as if it had been notified, exactly once. A lost notification therefore only delays the exit.
    /// It may come at any time, beside any other call of the container.
    func check(_ id: ContainerID) throws(DriverFailure)

    /// Freezes a container; ``DriverFailure/Code/unimplemented`` where its isolation cannot be paused.
    func pause(_ id: ContainerID) throws(DriverFailure)
    /// Lets a paused container run on.
    func resume(_ id: ContainerID) throws(DriverFailure)

    /// Changes the size of a process's terminal.
    func resize(_ id: ContainerID, _ process: ProcessName, _ size: ConsoleSize) throws(DriverFailure)

    /// What the container uses now.
    func statistics(_ id: ContainerID) throws(DriverFailure) -> ContainerStatistics
    /// The processes that run in the container, the first one first.
    func processes(_ id: ContainerID) throws(DriverFailure) -> [ProcessSummary]

    /// Changes limits and network endpoints at run time.
    func update(_ id: ContainerID, _ resources: OCIResources) throws(DriverFailure) -> UpdatedResources

    /// The containers of this worker that the service knows, also those that an earlier worker created.
    func enumerate() throws(DriverFailure) -> EnumeratedContainers

    /// Adopts containers that ``enumerate()`` has found unstarted, without a call for each. A container is opened when
    /// a call needs it. What this driver has open already is kept as it is.
    ///
    /// If the service goes away later, that is reported to ``DriverEvents`` as for open containers. A failure adopts
    /// none of them: the caller opens them one by one.
    func takeUpUnstarted(_ containers: [(id: ContainerID, known: KnownContainer)]) throws(DriverFailure)

    /// Containers that were adopted unstarted, are not open, and are no longer listed as unstarted by the service. A
    /// container that is deleted or started meanwhile may be among them.
    func missingUnstarted() throws(DriverFailure) -> [ContainerID]

    /// Finds a container again that an earlier worker made, or whose service went away, and attaches to its processes:
    /// their output, their input and their exits.
    ///
    /// The exit of each process that is found is reported exactly once, after all of its remaining output. If the
    /// process has ended already, the report may come before this returns. A process with a known id that is not found
    /// is reported as lost.
    ///
    /// A process without a known id is looked for by its place. The first process is the oldest one that can be opened.
    /// Any other is the only one that can be opened and belongs to no other entry. If it is not found, no exit is
    /// reported; the result shows whether it was ever created.
    ///
    /// What this driver has open already is kept as it is, and an exit that it has reported is not reported again.
    ///
    /// Fails with ``DriverFailure/Code/notFound`` if there is no such container, and with
    /// ``DriverFailure/Code/failedPrecondition`` if it belongs to another owner. A failure reports no exit.
    /// - Parameters:
    ///   - known: what the journal's record has of the container.
    ///   - processes: the processes to look for.
    ///   - ended: ids of processes whose exit is known already; they are left out of the search.
    func open(
        _ id: ContainerID, _ known: KnownContainer, _ processes: [KnownProcess], ended: Set<UInt32>
    ) throws(DriverFailure) -> OpenedContainer

    /// Asks whether the service behind the driver answers; for `health`.
    func probe() throws(DriverFailure)
}

extension ContainerDriver {
    /// It has what the types have.
    public var readsDocuments: Bool { false }

    /// Finds a container again of which only processes are known.
    public func open(
        _ id: ContainerID, _ processes: [KnownProcess], ended: Set<UInt32> = []
    ) throws(DriverFailure) -> OpenedContainer {
        try open(id, KnownContainer(), processes, ended: ended)
    }
}

/// Receives what a driver reports on its own account. Calls may come on any thread and must not block.
public protocol DriverEvents: Sendable {
    /// A process ended. Reported exactly once for each process; `init` is the container's first.
    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit)
    /// The service behind the driver went away: every handle is dead, and what runs is unknown until it is asked again.
    func serviceDisconnected(_ failure: DriverFailure)
}
