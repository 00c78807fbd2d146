import CHostCompute
import Glibc
import Synchronization

/// The service: the table of compute systems, the handles, and what all systems share.
final class ComputeService: Sendable {
    static let shared = ComputeService()

    let faults = Faults()
    let pool = ThreadPool()
    let reaper = ExitReaper()
    let handles = HandleTable()
    /// Run when the last compute system has gone.
    let emptied = Mutex<(@Sendable () -> Void)?>(nil)

    private let systems = Mutex<[String: EmulatedSystem]>([:])
    // Without a root no folder counts as the emulator's own.
    private let configured = Mutex(SharedSettings(HostComputeEmulator.Settings(root: "")))

    func configure(_ settings: HostComputeEmulator.Settings) throws(ConfigurationFailure) {
        let faults = try settings.faultFile.map { (file) throws(ConfigurationFailure) in try FaultFile.read(file) }
        var settings = settings
        while settings.root.count > 1, settings.root.hasSuffix("/") { settings.root.removeLast() }
        let base = settings.root + "/layers/base"
        if let failure = ScratchFolder.make(base) {
            throw ConfigurationFailure(description: "'\(base)': \(String(cString: strerror(failure)))")
        }
        configured.withLock { $0 = SharedSettings(settings) }
        for fault in faults ?? [] { self.faults.add(fault) }
    }

    var isEmpty: Bool { systems.withLock(\.isEmpty) }

    func system(named id: String) -> EmulatedSystem? {
        systems.withLock { $0[id] }
    }

    // MARK: Systems

    /// Creates a system in the phase `creating`, with one handle.
    func create(_ id: String, _ config: ContainerConfig, for caller: Caller) throws(HostFailure) -> EmulatedSystem {
        var folders = SystemDocument.Folders()
        let document = try SystemDocument(config, folders: &folders)
        let settings = configured.withLock { $0 }
        let system = EmulatedSystem(id: id, document: document, settings: settings, service: self)
        try systems.withLock { (systems) throws(HostFailure) in
            guard systems[id] == nil else {
                throw HostFailure(
                    code: ResultCode.systemAlreadyExists, message: "The compute system '\(id)' already exists.")
            }
            // Under the lock: either the system is made and every later look-up finds it, or it is not made at all.
            try caller.checkAlive()
            systems[id] = system
        }
        do throws(HostFailure) {
            for folder in folders.required where !ScratchFolder.exists(folder.path) {
                throw .folderNotFound(folder.role, folder.path)
            }
            try makeLayerFolder(of: system, settings)
        } catch {
            _ = systems.withLock { $0.removeValue(forKey: id) }
            throw error
        }
        return system
    }

    /// Makes the layer folder if it is one of the emulator's own; any other has to exist.
    private func makeLayerFolder(of system: EmulatedSystem, _ settings: SharedSettings) throws(HostFailure) {
        let folder = system.document.layerFolder
        if folder.isEmpty { return }
        if isOwnLayerFolder(folder, settings.layers) {
            if mkdir(folder, 0o755) == 0 { return system.state.withLock { $0.ownsLayerFolder = true } }
            let error = errno
            if error == ENOSPC || error == EDQUOT {
                throw HostFailure(
                    code: ResultCode.exhausted(error),
                    message: "LayerFolderPath: '\(folder)' cannot be made: \(String(cString: strerror(error))).")
            }
        }
        guard ScratchFolder.exists(folder) else { throw .folderNotFound("LayerFolderPath", folder) }
    }

    /// Whether the path lies directly inside `<root>/layers/`.
    private func isOwnLayerFolder(_ path: String, _ layers: String) -> Bool {
        guard !layers.isEmpty, path.hasPrefix(layers) else { return false }
        let name = path.utf8.dropFirst(layers.utf8.count)
        return !name.isEmpty && !name.contains(UInt8(ascii: "/")) && !name.elementsEqual(".".utf8)
            && !name.elementsEqual("..".utf8)
    }

    /// Opens one more handle's worth of the system `id`.
    func open(_ id: String) throws(HostFailure) -> EmulatedSystem {
        guard let system = system(named: id), system.open() else {
            throw HostFailure(
                code: ResultCode.systemNotFound, message: "The compute system '\(id)' does not exist.")
        }
        return system
    }

    func enumerate(_ query: SystemQuery) -> String {
        let all = systems.withLock { Array($0.values) }
        return "["
            + all.filter { query.matches($0) && !$0.state.withLock(\.isGone) }.map { $0.summary() }
            .joined(separator: ",") + "]"
    }

    /// The system has gone: its folder goes before its name is free again.
    func forget(_ system: EmulatedSystem) {
        system.releaseKept()
        if system.state.withLock({ $0.ownsLayerFolder }) { ScratchFolder.remove(system.document.layerFolder) }
        let isEmpty = systems.withLock { systems in
            if systems[system.id] === system { systems[system.id] = nil }
            return systems.isEmpty
        }
        if isEmpty { emptied.withLock { $0 }?() }
    }

    /// How long clients may take to receive the exits of their systems and to close them.
    private static let farewell = Duration.seconds(3)

    /// Ends every system and waits until they are down, for a while, and until their clients have closed them.
    /// - Returns: how many there were, and how many would not end.
    func endAll(_ patience: Duration) -> (ended: Int, left: Int) {
        // A stopped system is only kept for a client that has not read its exit yet.
        let all = systems.withLock { $0.values.filter { $0.phase != .stopped } }
        for system in all { _ = try? system.end(.terminate) }
        let deadline = ContinuousClock.now + patience
        let left = all.count { !$0.waitForEnd(until: deadline) }
        let end = ContinuousClock.now + ComputeService.farewell
        while ContinuousClock.now < end, all.contains(where: { $0.isOpen && $0.phase == .stopped }) { usleep(5000) }
        return (all.count, left)
    }

    // MARK: Handles

    func system(_ handle: UInt) throws(HostFailure) -> EmulatedSystem {
        switch handles[handle] {
        case .system(let system): return system
        case .dead: throw ComputeService.dead
        default: throw .invalidHandle
        }
    }

    func process(_ handle: UInt) throws(HostFailure) -> EmulatedProcess {
        switch handles[handle] {
        case .process(let process): return process
        case .dead: throw ComputeService.dead
        default: throw .invalidHandle
        }
    }

    static let dead = HostFailure(
        code: ResultCode.serverUnavailable, message: "The service was restarted; the handle is dead.")

    func disconnect() {
        let notification = EmulatedNotification(type: NotificationType.serviceDisconnect)
        let targets = handles.killAll()
        for target in targets.values {
            switch target {
            case .systemCallback(let registration, let system):
                system.unregister(registration)
                system.post([(registration, notification)])
            case .processCallback(let registration, let process):
                process.unregister(registration)
                process.system.post([(registration, notification)])
            case .system, .process, .dead: break
            }
        }
        for (handle, target) in targets {
            switch target {
            case .system(let system): system.close(handle, terminates: false, abandoned: true)
            case .process(let process): close(process, handle)
            case .systemCallback, .processCallback, .dead: break
            }
        }
    }

    func close(_ process: EmulatedProcess, _ handle: UInt) {
        if process.close(handle) { process.system.forget(process) }
    }

    /// Closes the handles of a client that has gone, as those of a process that dies: no fault can keep them.
    func abandon(_ abandoned: [UInt]) {
        // Callbacks first, as a client closes them itself.
        for handle in abandoned {
            switch handles.remove(handle, where: { !$0.isSystem && !$0.isProcess }) {
            case .systemCallback(let registration, let system):
                system.unregister(registration)
                try? registration.cancel()
            case .processCallback(let registration, let process):
                process.unregister(registration)
                try? registration.cancel()
            default: break
            }
        }
        for handle in abandoned {
            if case .process(let process) = handles.remove(handle, where: \.isProcess) { close(process, handle) }
        }
        for handle in abandoned {
            if case .system(let system) = handles.remove(handle, where: \.isSystem) {
                system.close(handle, abandoned: true)
            }
        }
    }
}
