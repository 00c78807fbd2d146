import CHostCompute
import ContainerModel
import Dispatch
import Glibc
import Synchronization

/// A compute system: its state, its handles and registrations, and its processes.
///
/// Everything that changes is behind one lock, which is never held over a callback. Notifications stand in one line per
/// system, so they arrive in order and no other system waits for a callback that blocks. An idle system is this object
/// and its entries in the tables: no thread, no timer, no descriptor.
final class EmulatedSystem: Sendable {
    typealias Delivery = (registration: Registration, notification: EmulatedNotification)

    let id: String
    let document: SystemDocument
    let service: ComputeService
    private let shared: SharedSettings

    var settings: HostComputeEmulator.Settings { shared.values }

    struct State {
        var phase = Phase.creating
        var createStatus: HcsResult?
        var exit: SystemExit?
        var handles = 1
        /// The layer folder was made for this system and goes with it.
        var ownsLayerFolder = false
        var forgotten = false
        var registrations: [Registration] = []

        var line: [Delivery] = []
        var delivering = false

        var resources: SystemResources
        var startedAt: Timestamp?
        var processes: [pid_t: EmulatedProcess] = [:]
        /// Those that have exited and have been without a handle since, oldest first, where the settings keep them.
        var kept: [EmulatedProcess] = []
        /// Every process that was created since then is known, whether or not it has exited.
        var listedFrom = Timestamp.now
        /// Stopped, and its exits may be known to no client that still lives: it stays until one has looked.
        var isKept = false
        /// Processes that run, or have exited and are not settled.
        var live = 0
        /// There has been a process.
        var hasRun = false
        /// Processes that are being created.
        var spawning = 0
        /// Sessions whose leader has exited while others in them live on.
        var orphanedSessions: Set<pid_t> = []
        /// Descendants with sessions of their own that the end of the system has to see dead: id and start.
        var strays: [pid_t: UInt64] = [:]
        var usage = ProcessUsage()

        var ending: SystemExit?
        var finishing = false
        /// ProcessExited that a fault holds back until SystemExited.
        var heldBack: [Delivery]?
        var endWaiters: [DispatchSemaphore] = []
    }

    let state: Mutex<State>

    init(id: String, document: SystemDocument, settings: SharedSettings, service: ComputeService) {
        self.id = id
        self.document = document
        self.shared = settings
        self.service = service
        state = Mutex(State(resources: document.resources))
    }

    // MARK: Handles

    /// One more handle; false when the system has gone.
    func open() -> Bool {
        state.withLock { state in
            if state.isGone { return false }
            state.handles += 1
            return true
        }
    }

    /// Gives a handle back. The last one takes a stopped system with it, and ends one whose document demands it.
    /// - Parameter abandoned: whether its owner has gone without closing it.
    func close(_ handle: UInt, terminates: Bool = true, abandoned: Bool = false) {
        let (silenced, gone, terminate) = state.withLock { state -> ([Registration], Bool, Bool) in
            let silenced = state.registrations.filter { $0.handle == handle }
            if !silenced.isEmpty { state.registrations.removeAll { $0.handle == handle } }
            state.handles -= 1
            let last = state.handles == 0
            state.isKept = abandoned && settings.keepsExited && state.hasRun
            let ends = last && terminates && document.terminatesOnLastHandleClosed
            return (silenced, state.claimGone(), ends && state.phase != .stopping && state.phase != .stopped)
        }
        for registration in silenced { registration.silence() }
        if gone {
            service.forget(self)
        } else if terminate {
            _ = try? end(.terminate)
        }
    }

    // MARK: Registrations

    /// Registers a callback, and notifies it of what happened before: there is no way to register earlier
    /// (HostComputeService A.5, C.3).
    func register(_ registration: Registration) {
        let deliver = state.withLock { state in
            state.registrations.append(registration)
            if let status = state.createStatus {
                let created = EmulatedNotification(type: NotificationType.systemCreateCompleted, status: status)
                state.enqueue((registration, created), service.faults, id)
            }
            if let exit = state.exit { state.enqueue((registration, exit.notification), service.faults, id) }
            return state.claimLine()
        }
        if deliver { service.pool.submit { [self] in self.deliver() } }
    }

    func unregister(_ registration: Registration) {
        state.withLock { state in state.registrations.removeAll { $0 === registration } }
    }

    /// Queues deliveries and has the pool deliver them.
    func post(_ deliveries: [Delivery]) {
        let deliver = state.withLock { state in
            for delivery in deliveries { state.enqueue(delivery, service.faults, id) }
            return state.claimLine()
        }
        if deliver { service.pool.submit { [self] in self.deliver() } }
    }

    /// Delivers everything in the queue. Called only by the thread that has claimed it.
    func deliver() {
        while let delivery = state.withLock({ $0.nextDelivery() }) {
            delivery.registration.deliver(delivery.notification)
        }
    }

    var phase: Phase { state.withLock { $0.phase } }

    /// Whether a client has a handle.
    var isOpen: Bool { state.withLock { $0.handles > 0 } }

    var resources: SystemResources { state.withLock { $0.resources } }
}

extension EmulatedSystem.State {
    /// Stopped without an open handle, and not kept: it can never be opened again.
    var isGone: Bool { phase == .stopped && handles <= 0 && !isKept }

    /// True once, when the system has gone: the caller has to forget it.
    mutating func claimGone() -> Bool {
        guard isGone, !forgotten else { return false }
        forgotten = true
        return true
    }

    /// A servicing system ends by itself, with its last process (HostComputeService F.6).
    mutating func endAfterLastProcess() {
        guard phase == .running, hasRun, live == 0, spawning == 0 else { return }
        phase = .stopping
        ending = EmulatedSystem.EndCall.shutdown.exit
    }

    /// Everything has ended that an ending system waits for; true once.
    mutating func claimFinish() -> Bool {
        guard phase == .stopping, ending != nil, live == 0, spawning == 0, !finishing else { return false }
        finishing = true
        return true
    }

    /// Puts a delivery into the line, as the faults let it.
    mutating func enqueue(_ delivery: EmulatedSystem.Delivery, _ faults: Faults, _ id: String) {
        guard faults.isArmed else {
            line.append(delivery)
            return
        }
        let type = delivery.notification.type
        let effects = faults.strike(nil, id) { (effect) -> Fault.Effect? in
            switch effect {
            case .loseNotification(type), .duplicateNotification(type), .unknownNotification: effect
            default: nil
            }
        }
        var copies = [delivery]
        for effect in effects {
            switch effect {
            case .loseNotification: copies = []
            case .duplicateNotification: copies += copies
            case .unknownNotification(let unknown):
                copies.insert((delivery.registration, EmulatedNotification(type: unknown)), at: 0)
            default: break
            }
        }
        line += copies
    }

    /// Queues a notification for every registration.
    mutating func broadcast(_ notification: EmulatedNotification, _ faults: Faults, _ id: String) {
        for registration in registrations { enqueue((registration, notification), faults, id) }
    }

    /// True if there is something to deliver and no thread delivers it; the caller must deliver it then.
    mutating func claimLine() -> Bool {
        guard !delivering, !line.isEmpty else { return false }
        delivering = true
        return true
    }

    mutating func nextDelivery() -> EmulatedSystem.Delivery? {
        if line.isEmpty {
            line = []
            delivering = false
            return nil
        }
        return line.removeFirst()
    }
}
