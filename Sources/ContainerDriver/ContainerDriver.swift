public import ContainerProtocol

/// The port that every driver fills: what the worker needs of a host's container service.
///
/// Every call blocks until the operation is complete or has failed, so it is made on the worker's blocking pool, never
/// on Swift's cooperative pool and never on the socket loop. Calls for one container come one after another, except
/// `signal`, `terminate`, `check`, `resize`, `statistics` and `processes`, which may come at any time, also while another
/// call of the same container hangs. A driver never lets one container's call wait for another container's.
///
/// Exits are told to the ``DriverEvents`` given to ``connect(_:)``, on any thread, at any time after the process began
/// to run: before `start` has returned included. Before a process's exit is told, all that it had written has been
/// handed to its ``ProcessOutput``.
public protocol ContainerDriver: Sendable {
    /// `hcs`, `hcs-emulator`, `oci`, ...: what `version` calls the driver.
    var name: String { get }
    /// The version of the service behind the driver, as far as it is known.
    var version: String { get }
    /// What this driver can do on this host.
    var capabilities: Set<Capability> { get }

    /// Tells the driver where its events go; once, before any other call.
    func connect(_ events: any DriverEvents)

    /// What ``create(_:_:)`` would hand to the service, and the failure that it, or the start after it, would have for the
    /// specification's sake. It changes nothing on the host and may come at any time, also for an id that is taken.
    func plan(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> ContainerPlan

    /// Makes a compute system. A create that fails leaves nothing behind.
    func create(_ id: ContainerID, _ specification: OCISpecification) throws(DriverFailure) -> CreatedContainer

    /// Starts the compute system and its first process; only the process where the system runs already, because an
    /// earlier worker died in between. After a start that failed the worker discards the container: until then the
    /// service has the compute system, so that a worker that dies meanwhile does not leave the next one without a trace.
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

    /// Takes the compute system down after its first process has ended: gracefully, by force where that fails. When it
    /// returns, every process's exit has been told and the system is closed; only ``discard(_:)`` may follow.
    func shutDown(_ id: ContainerID) throws(DriverFailure) -> ShutDown

    /// Ends the compute system and everything in it by force. The exits are told to ``DriverEvents`` as usual.
    func terminate(_ id: ContainerID) throws(DriverFailure)

    /// Forgets the container: by force where it still exists. It is no failure when nothing is left to forget.
    func discard(_ id: ContainerID) throws(DriverFailure)

    /// Asks the service whether what the container runs still runs: an exit that is found this way is told to
    /// ``DriverEvents`` as if it had been notified, exactly once. For whoever waits, so that a notification that was lost
    /// costs time and not the exit. It may come at any time, beside any other call of the container.
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

    /// The containers of this worker that the service knows, whoever made them.
    func enumerate() throws(DriverFailure) -> EnumeratedContainers

    /// Takes up containers that ``enumerate()`` has found unstarted, without a question for each: one is opened when a
    /// call needs it. What this driver has open already is kept as it is.
    ///
    /// Where the service goes away later, that is reported to ``DriverEvents`` as for open containers. A failure has taken
    /// up none of them: they are to be opened one by one.
    func takeUpUnstarted(_ containers: [(id: ContainerID, known: KnownContainer)]) throws(DriverFailure)

    /// Those of the containers that were taken up unstarted and are not open, which the service does not list so any
    /// more. One that is deleted or started meanwhile may be among them.
    func missingUnstarted() throws(DriverFailure) -> [ContainerID]

    /// Finds a container again that an earlier worker made, or whose service went away, and attaches to its processes:
    /// their output, their input and their exits.
    ///
    /// The exit of each process of `processes` that is found is told exactly once, after all of its remaining output; at
    /// once where it has ended already, so it may come before this returns. One whose id is known and that is not found
    /// any more is told as lost. One whose id is not known is looked for by its place: the first process is the oldest
    /// that can be opened, any other the only one that can be opened and is no other's; of one that is not found, nothing
    /// is reported, and the answer says whether it was ever created. What this driver has open already is kept as it is,
    /// and an exit that it has reported is not reported again.
    ///
    /// Fails with ``DriverFailure/Code/notFound`` where there is no such container, and with
    /// ``DriverFailure/Code/failedPrecondition`` where it is another owner's. A failure has told nothing.
    /// - Parameters:
    ///   - known: what its record has of it.
    ///   - processes: the processes to look for.
    ///   - ended: ids of processes whose exit is known already: what is looked for is none of them.
    func open(
        _ id: ContainerID, _ known: KnownContainer, _ processes: [KnownProcess], ended: Set<UInt32>
    ) throws(DriverFailure) -> OpenedContainer

    /// Asks whether the service behind the driver answers; for `health`.
    func probe() throws(DriverFailure)
}

extension ContainerDriver {
    /// Finds a container again of which only processes are known.
    public func open(
        _ id: ContainerID, _ processes: [KnownProcess], ended: Set<UInt32> = []
    ) throws(DriverFailure) -> OpenedContainer {
        try open(id, KnownContainer(), processes, ended: ended)
    }
}

/// Where a driver tells what happened by itself. Calls may come on any thread and must not block.
public protocol DriverEvents: Sendable {
    /// A process ended. Told exactly once per process; `init` is the container's first.
    func processExited(_ id: ContainerID, _ process: ProcessName, _ exit: Exit)
    /// The service behind the driver went away: every handle is dead, and what runs is unknown until it is asked again.
    func serviceDisconnected(_ failure: DriverFailure)
}
