import ContainerModel
import ContainerProtocol
import MessagePack

/// The output of one container's processes: their spools, and the peers attached to them. On the loop only.
final class ContainerOutput {
    /// The output of a process that is about to be started.
    struct Begun {
        /// Which process of the container's it is, counted by their starts: a name may come again.
        let number: Int
        let spool: OutputSpool
        let hasTerminal: Bool
        /// Whether it is kept from its beginning on for a lossless reader to come.
        var isReserved = false
    }

    /// The output of a process that is known.
    struct Entry {
        var number: Int
        var hasTerminal = false
        var spool: OutputSpool?
        /// Whether the process ended before this worker began, and its output may still be kept.
        var isKept = false
        /// Whether it is held for a lossless reader to come.
        var isReserved = false
    }

    let id: ContainerID
    private let createdAt: Timestamp
    unowned let services: HostServices
    var entries: [ProcessName: Entry] = [:]
    /// How many processes were started.
    private var lastNumber = 0
    /// Whether output has been given up that had a file.
    private var hadFiles = false
    var attachments: [Attachment] = []
    /// Processes whose output is sent on in a later turn of the loop.
    var sending: Set<ProcessName> = []
    /// The output of the process that a worker before this one was about to start last.
    private var resumed: Begun?

    init(_ id: ContainerID, createdAt: Timestamp, _ services: HostServices) {
        self.id = id
        self.createdAt = createdAt
        self.services = services
    }

    private var owner: ContainerRecord { ContainerRecord(id: id, createdAt: createdAt) }

    // MARK: Spools

    /// The output of a process that is going to be started.
    /// - Parameter isReserved: it is kept from its beginning on for a lossless reader to come.
    func begin(_ process: ProcessName, hasTerminal: Bool, isReserved: Bool = false) -> Begun {
        lastNumber += 1
        var begun = begun(process, lastNumber, hasTerminal: hasTerminal)
        begun.isReserved = isReserved
        if isReserved { begun.spool.hold(from: 0) }
        return begun
    }

    /// The output of the process that a worker before this one was about to start last.
    func resume(_ process: ProcessName, hasTerminal: Bool) -> Begun {
        let begun = resumed ?? begun(process, lastNumber, hasTerminal: hasTerminal)
        resumed = begun
        return begun
    }

    /// That process was found, or (nil) it was not.
    func endResuming(_ process: ProcessName?) {
        if let process, let resumed { adopt(process, resumed) }
        resumed = nil
    }

    private func begun(_ process: ProcessName, _ number: Int, hasTerminal: Bool) -> Begun {
        Begun(
            number: number, spool: makeSpool(process, number, hasTerminal: hasTerminal), hasTerminal: hasTerminal)
    }

    private func makeSpool(_ process: ProcessName, _ number: Int, hasTerminal: Bool) -> OutputSpool {
        let limit = services.configuration.limits.outputBytes
        let file = services.spools.map { $0.file(number, process, of: owner, limit: limit) }
        let loop = services.loop
        let host = LoopBound({ [weak services] in services }, to: loop)
        return OutputSpool(limit: limit, hasTerminal: hasTerminal, file: file, figures: services.output) { [id] in
            loop.post { host.value()?.pool.container(id)?.enter { $0.output?.send(process) } }
        }
    }

    /// A process runs, and may have its name from one that has ended: that one's output is given up for it.
    func adopt(_ process: ProcessName, _ begun: Begun) {
        if entries[process]?.isKept ?? false { _ = spool(of: process) }
        drop(process)
        entries[process] = Entry(
            number: begun.number, hasTerminal: begun.hasTerminal, spool: begun.spool, isReserved: begun.isReserved)
        guard begun.isReserved else { return }
        services.loop.schedule(after: services.configuration.times.losslessReader) { [weak self] in
            guard let self, entries[process]?.spool === begun.spool, entries[process]?.isReserved == true else {
                return
            }
            entries[process]?.isReserved = false
            updateHold(process)
            holdLost(process, "no lossless reader has attached in time")
            readerDone()
        }
    }

    /// The spool of a process that a worker before this one started.
    /// - Parameter hasTerminal: nil to take it from the record.
    func spoolOfKnown(_ process: ProcessName, hasTerminal: Bool?) -> (spool: OutputSpool, hasTerminal: Bool) {
        // The first process is the first that was started, whether or not there was time to note it.
        if process == .initial { lastNumber = max(lastNumber, 1) }
        var entry = entries[process] ?? Entry(number: 1)
        if let hasTerminal { entry.hasTerminal = hasTerminal }
        let spool = entry.spool ?? makeSpool(process, entry.number, hasTerminal: entry.hasTerminal)
        entry.spool = spool
        entries[process] = entry
        return (spool, entry.hasTerminal)
    }

    /// The output of a process; of one that ended before the worker began it is fetched from where it is kept.
    func spool(of process: ProcessName) -> OutputSpool? {
        guard var entry = entries[process] else { return nil }
        if let spool = entry.spool { return spool }
        guard entry.isKept, services.spools != nil else { return nil }
        let spool = makeSpool(process, entry.number, hasTerminal: entry.hasTerminal)
        spool.load()
        spool.endAll()
        entry.spool = spool
        entry.isKept = false
        entries[process] = entry
        hadFiles = true
        return spool
    }

    /// Discards a process's output, and sends the end to its followers.
    private func drop(_ process: ProcessName) {
        guard let entry = entries.removeValue(forKey: process) else { return }
        if entry.isKept { hadFiles = true }
        guard let spool = entry.spool else { return }
        spool.endAll()
        if spool.endOffset > 0 { hadFiles = true }
        spool.removeFile()
        for index in attachments.indices where attachments[index].process == process {
            _ = attachments[index].send(spool)
        }
        attachments.removeAll { $0.process == process }
        spool.hold(from: nil)
    }

    /// Processes that have ended keep their output as long as they are remembered, and all of it together is no more
    /// than a few spools' worth.
    func forgetOld(_ processes: [ProcessName: ContainerRecord.Process]) {
        for name in entries.keys where name != .initial && processes[name] == nil { drop(name) }
        let ended = processes.filter { $0.value.state == .stopped && entries[$0.key]?.spool != nil }
        var kept = ended.keys.reduce(0) { $0 + (entries[$1]?.spool?.keptBytes ?? 0) }
        let limit = 4 * services.configuration.limits.outputBytes
        guard kept > limit else { return }
        for (name, _) in ended.sorted(by: { ($0.value.exit?.at ?? .epoch) < ($1.value.exit?.at ?? .epoch) }) {
            kept -= entries[name]?.spool?.keptBytes ?? 0
            drop(name)
            if kept <= limit { return }
        }
    }

    /// The container is down: nothing will be written any more.
    func endAll() { for entry in entries.values { entry.spool?.endAll() } }

    /// The container was removed.
    func removeAll() {
        endAll()
        for entry in entries.values { entry.spool?.hold(from: nil) }
        let hasFiles = hadFiles || entries.values.contains { $0.isKept || $0.spool?.endOffset ?? 0 > 0 }
        if hasFiles { services.spools?.remove(of: owner) }
        attachments = []
        entries = [:]
    }

    // MARK: Records

    /// Writes what survives the worker into the container's record.
    func save(to saved: inout SavedContainer) {
        for (name, entry) in entries {
            saved.spoolNumbers[name] = entry.number
            if entry.hasTerminal { saved.terminals.insert(name) }
        }
        saved.lastSpool = lastNumber
    }

    /// Restores what the previous worker kept.
    /// - Parameter ended: the processes that had ended.
    func restore(_ saved: SavedContainer, ended: [ProcessName]) {
        lastNumber = saved.lastSpool
        for (name, number) in saved.spoolNumbers {
            entries[name] = Entry(number: number, hasTerminal: saved.terminals.contains(name))
        }
        for name in ended { entries[name, default: Entry(number: 0)].isKept = true }
    }
}
