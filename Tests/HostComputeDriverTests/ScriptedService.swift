import CHostCompute
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

    private static func of(_ handle: UnsafeMutableRawPointer?) -> ScriptedService? {
        services.withLock { $0[UInt(bitPattern: handle) & ~15] }
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
            system?.pointee = UnsafeMutableRawPointer(bitPattern: service.number + 1)
            return 0
        }
        table.HcsCloseComputeSystem = { ScriptedService.note($0, "close system") }
        table.HcsStartComputeSystem = { _, _, _ in 0 }
        table.HcsShutdownComputeSystem = { _, _, _ in 0 }
        table.HcsTerminateComputeSystem = { system, _, _ in ScriptedService.note(system, "terminate system") }
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
        // Only the first process can be opened again.
        table.HcsOpenProcess = { system, pid, process, _ in
            process?.pointee = system
            return pid == 11 ? 0 : HcsResult(bitPattern: 0x8007_0490)
        }
        table.HcsGetComputeSystemProperties = { _, _, properties, _ in
            ScriptedService.give(#"{"State":"Running","RuntimeImagePath":"C:\\vm"}"#, properties)
            return 0
        }
        table.HcsCloseProcess = { ScriptedService.note($0, "close process") }
        table.HcsTerminateProcess = { process, _ in ScriptedService.note(process, "terminate process") }
        table.HcsGetProcessProperties = { process, properties, _ in
            ScriptedService.give(ScriptedService.of(process)?.state.withLock { $0.properties }, properties)
            return 0
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
