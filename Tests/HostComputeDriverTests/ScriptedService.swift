import CHostCompute
import Dispatch
import Synchronization

/// A Host Compute Service that does what its test says: the table's smallest filling, in which every call succeeds at
/// once and nothing happens by itself.
///
/// C functions capture nothing, so the scripts are found by the compute system's handle, which is the script's number.
final class ScriptedService: Sendable {
    struct State {
        var processExited = false
        var properties: String? = #"{"ProcessId":11,"Exited":true,"ExitCode":4,"LastWaitResult":0}"#
        var createAnswer: HcsResult = 0
        /// What is answered to questions for the process and for the system, and to those who want to open either.
        var processAnswer: HcsResult = 0
        /// What the next questions for the process are answered with before that.
        var processAnswers: [HcsResult] = []
        var systemAnswer: HcsResult = 0
        var systemState = "Running"
        var runtimeImage = #"C:\\vm"#
        /// Whose the system is that has the id; nil where the service does not say.
        var owner: String?
        /// What a termination through the first handle, or through another one, is answered with.
        var terminateAnswer: HcsResult = 0
        var modifyAnswers: [HcsResult] = []
        var openProcessAnswer: HcsResult = 0
        /// The processes that can be opened again.
        var openable: Set<UInt32> = [11]
        var openSystemAnswer: HcsResult = 0
        /// The names of those calls, in order.
        var asked: [String] = []
        var waiters: [DispatchSemaphore] = []
        var nextPid: UInt32 = 11
        var systemCallback: Callback?
        var processCallback: Callback?
        /// The names of the calls that closed something, in order.
        var closed: [String] = []
    }
    struct Callback: @unchecked Sendable {
        // Safe: a function, and a number in a pointer's clothes.
        let function: HcsNotificationCallback
        let context: UnsafeMutableRawPointer?
    }

    let number: UInt
    let state = Mutex(State())

    private static let services = Mutex<[UInt: ScriptedService]>([:])
    private static let next = Mutex<UInt>(1)
    private static let current = Mutex<ScriptedService?>(nil)

    /// A service, which takes the next create until another one is made; tests of it run one by one.
    init() {
        number = Self.next.withLock { next in
            defer { next += 16 }
            return next * 16
        }
        Self.services.withLock { $0[number] = self }
        Self.current.withLock { $0 = self }
    }

    func notifySystem(_ type: Int, _ status: HcsResult = 0) {
        notify(state.withLock { $0.systemCallback }, type, status)
    }

    func notifyProcess(_ type: Int, _ status: HcsResult = 0) {
        notify(state.withLock { $0.processCallback }, type, status)
    }

    private func notify(_ callback: Callback?, _ type: Int, _ status: HcsResult) {
        callback?.function(UInt32(type), callback?.context, status, nil)
    }

    var closed: [String] { state.withLock { $0.closed } }
    var asked: [String] { state.withLock { $0.asked } }

    /// Waits until its state is as it should be.
    func waitUntil(_ condition: (State) -> Bool) -> Bool {
        let deadline = DispatchTime.now() + .seconds(20)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let good = state.withLock { state in
                if condition(state) { return true }
                state.waiters.append(semaphore)
                return false
            }
            if good { return true }
            guard semaphore.wait(timeout: deadline) == .success else { return false }
        }
    }

    /// Has every question about it answered as HCS does when it knows it no more.
    func vanish() {
        state.withLock { state in
            let gone = HcsResult(bitPattern: 0xC037_010E)
            (state.systemAnswer, state.openSystemAnswer) = (gone, gone)
            state.processAnswer = HcsResult(bitPattern: 0x8007_0490)
            state.openProcessAnswer = state.processAnswer
        }
    }

    private static func ask(
        _ handle: UnsafeMutableRawPointer?, _ name: String, _ answer: (inout State) -> HcsResult
    ) -> HcsResult {
        of(handle)?.state.withLock { state in
            state.asked.append(name)
            for waiter in state.waiters { waiter.signal() }
            state.waiters = []
            return answer(&state)
        } ?? -1
    }

    private static func of(_ handle: UnsafeMutableRawPointer?) -> ScriptedService? {
        services.withLock { $0[UInt(bitPattern: handle) & ~15] }
    }

    private static func isFirst(_ handle: UnsafeMutableRawPointer?) -> Bool {
        of(handle)?.number == UInt(bitPattern: handle)
    }

    /// The basic properties of the system.
    private var document: String {
        state.withLock { state in
            let owner = state.owner.map { #","Owner":"\#($0)""# } ?? ""
            return #"{"State":"\#(state.systemState)","RuntimeImagePath":"\#(state.runtimeImage)"\#(owner)}"#
        }
    }

    private static func note(_ handle: UnsafeMutableRawPointer?, _ name: String) -> HcsResult {
        of(handle)?.state.withLock { $0.closed.append(name) }
        return 0
    }

    private static func give(_ text: String?, _ target: UnsafeMutablePointer<UnsafeMutablePointer<HcsChar>?>?) {
        guard let text else { return }
        let units = Array(text.utf16) + [0]
        let copy = UnsafeMutablePointer<HcsChar>.allocate(capacity: units.count)
        copy.initialize(from: units, count: units.count)
        target?.pointee = copy
    }

    /// The table; `change` takes functions away or puts others in. It is never freed, as a driver's must not be.
    static func table(_ change: (inout HostComputeTable) -> Void = { _ in }) -> UnsafePointer<HostComputeTable> {
        var table = HostComputeTable()
        table.HcsCreateComputeSystem = { _, _, _, system, _ in
            guard let service = ScriptedService.current.withLock({ $0 }) else { return -1 }
            system?.pointee = UnsafeMutableRawPointer(bitPattern: service.number)
            return service.state.withLock { $0.createAnswer }
        }
        table.HcsOpenComputeSystem = { _, system, _ in
            guard let service = ScriptedService.current.withLock({ $0 }) else { return -1 }
            let handle = UnsafeMutableRawPointer(bitPattern: service.number + 1)
            system?.pointee = handle
            return ScriptedService.ask(handle, "open system") { $0.openSystemAnswer }
        }
        table.HcsCloseComputeSystem = { ScriptedService.note($0, "close system") }
        table.HcsStartComputeSystem = { _, _, _ in 0 }
        table.HcsShutdownComputeSystem = { _, _, _ in 0 }
        table.HcsTerminateComputeSystem = { system, _, _ in
            let isFirst = ScriptedService.isFirst(system)
            return ScriptedService.ask(system, isFirst ? "terminate" : "terminate by id") { state in
                state.closed.append("terminate system")
                return state.terminateAnswer
            }
        }
        table.HcsRegisterComputeSystemCallback = { system, function, context, handle in
            guard let function else { return -1 }
            ScriptedService.of(system)?.state.withLock {
                $0.systemCallback = Callback(function: function, context: context)
            }
            handle?.pointee = system
            return 0
        }
        table.HcsUnregisterComputeSystemCallback = { ScriptedService.note($0, "unregister system") }
        table.HcsCreateProcess = { system, _, information, process, _ in
            information?.pointee.ProcessId =
                ScriptedService.of(system)?.state.withLock { state in
                    defer { state.nextPid += 1 }
                    return state.nextPid
                } ?? 0
            process?.pointee = system
            return 0
        }
        table.HcsOpenProcess = { system, pid, process, _ in
            process?.pointee = system
            return ScriptedService.ask(system, "open process") {
                $0.openable.contains(pid) ? $0.openProcessAnswer : HcsResult(bitPattern: 0x8007_0490)
            }
        }
        table.HcsGetComputeSystemProperties = { system, _, properties, _ in
            // A handle that was opened is alive, whatever has become of the first one.
            let isFirst = ScriptedService.isFirst(system)
            let answer = ScriptedService.ask(system, "system") { isFirst ? $0.systemAnswer : $0.openSystemAnswer }
            if answer == 0 { ScriptedService.give(ScriptedService.of(system)?.document, properties) }
            return answer
        }
        table.HcsModifyComputeSystem = { system, _, _ in
            ScriptedService.ask(system, "modify") { $0.modifyAnswers.isEmpty ? 0 : $0.modifyAnswers.removeFirst() }
        }
        table.HcsCloseProcess = { ScriptedService.note($0, "close process") }
        table.HcsTerminateProcess = { process, _ in
            ScriptedService.ask(process, "terminate process") { state in
                state.closed.append("terminate process")
                return 0
            }
        }
        table.HcsGetProcessProperties = { process, properties, _ in
            ScriptedService.give(ScriptedService.of(process)?.state.withLock { $0.properties }, properties)
            return ScriptedService.ask(process, "process") { state in
                state.processAnswers.isEmpty ? state.processAnswer : state.processAnswers.removeFirst()
            }
        }
        table.HcsRegisterProcessCallback = { process, function, context, handle in
            guard let function else { return -1 }
            ScriptedService.of(process)?.state.withLock {
                $0.processCallback = Callback(function: function, context: context)
            }
            handle?.pointee = process
            return 0
        }
        table.HcsUnregisterProcessCallback = { ScriptedService.note($0, "unregister process") }
        table.NameToGuid = { _, guid in
            guid?.pointee = HcsGuid()
            return 0
        }
        table.FreeString = { $0?.deallocate() }
        change(&table)
        let memory = UnsafeMutablePointer<HostComputeTable>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UnsafePointer(memory)
    }
}
