import CHostCompute
import Glibc

/// The table: each function makes a request of its parameters, has a backend answer it, and writes the reply.
///
/// A C function captures nothing. So the handle's range identifies its backend, and the few functions without a handle
/// exist once for each backend.
enum EmulatorTable {
    /// The table of the emulator of this process.
    static func inProcess() -> HostComputeTable {
        var table = common()
        table.HcsEnumerateComputeSystems = {
            call(local, .enumerateComputeSystems, $0, to: .init(result: $2, text: $1))
        }
        table.HcsCreateComputeSystem = { call(local, .createComputeSystem, $0, $1, to: .init(result: $4, handle: $3)) }
        table.HcsOpenComputeSystem = { call(local, .openComputeSystem, $0, to: .init(result: $2, handle: $1)) }
        table.HcsGetServiceProperties = { call(local, .getServiceProperties, $0, to: .init(result: $2, text: $1)) }
        return table
    }

    /// The table of the service that this process is connected to.
    static func overSocket() -> HostComputeTable {
        var table = common()
        table.HcsEnumerateComputeSystems = {
            call(remote, .enumerateComputeSystems, $0, to: .init(result: $2, text: $1))
        }
        table.HcsCreateComputeSystem = { call(remote, .createComputeSystem, $0, $1, to: .init(result: $4, handle: $3)) }
        table.HcsOpenComputeSystem = { call(remote, .openComputeSystem, $0, to: .init(result: $2, handle: $1)) }
        table.HcsGetServiceProperties = { call(remote, .getServiceProperties, $0, to: .init(result: $2, text: $1)) }
        return table
    }

    private static func common() -> HostComputeTable {
        var table = HostComputeTable()
        table.HcsCloseComputeSystem = { on($0, .closeComputeSystem) }
        table.HcsStartComputeSystem = { on($0, .startComputeSystem, $1, to: .init(result: $2)) }
        table.HcsShutdownComputeSystem = { on($0, .shutdownComputeSystem, $1, to: .init(result: $2)) }
        table.HcsTerminateComputeSystem = { on($0, .terminateComputeSystem, $1, to: .init(result: $2)) }
        table.HcsPauseComputeSystem = { on($0, .pauseComputeSystem, $1, to: .init(result: $2)) }
        table.HcsResumeComputeSystem = { on($0, .resumeComputeSystem, $1, to: .init(result: $2)) }
        table.HcsSaveComputeSystem = { on($0, .saveComputeSystem, $1, to: .init(result: $2)) }
        table.HcsGetComputeSystemProperties = {
            on($0, .getComputeSystemProperties, $1, to: .init(result: $3, text: $2))
        }
        table.HcsModifyComputeSystem = { on($0, .modifyComputeSystem, $1, to: .init(result: $2)) }
        table.HcsRegisterComputeSystemCallback = { register($0, .registerComputeSystemCallback, $1, $2, $3) }
        table.HcsUnregisterComputeSystemCallback = { on($0, .unregisterComputeSystemCallback) }

        table.HcsCreateProcess = { on($0, .createProcess, $1, to: .init(result: $4, handle: $3, information: $2)) }
        table.HcsOpenProcess = { on($0, .openProcess, integer: UInt64($1), to: .init(result: $3, handle: $2)) }
        table.HcsCloseProcess = { on($0, .closeProcess) }
        table.HcsTerminateProcess = { on($0, .terminateProcess, to: .init(result: $1)) }
        table.HcsSignalProcess = { on($0, .signalProcess, $1, to: .init(result: $2)) }
        table.HcsGetProcessInfo = { on($0, .getProcessInfo, to: .init(result: $2, information: $1)) }
        table.HcsGetProcessProperties = { on($0, .getProcessProperties, to: .init(result: $2, text: $1)) }
        table.HcsModifyProcess = { on($0, .modifyProcess, $1, to: .init(result: $2)) }
        table.HcsRegisterProcessCallback = { register($0, .registerProcessCallback, $1, $2, $3) }
        table.HcsUnregisterProcessCallback = { on($0, .unregisterProcessCallback) }

        // What needs neither a service nor a compute system.
        table.HcsModifyServiceSettings = { settings, result in
            TableOutputs(result: result).fill { () throws(HostFailure) in
                let settings = WideString.string(try TableOutputs.required(settings, "settings"))
                _ = try ClientDocument.read(UnreadDocument.self, settings)
                throw HostFailure(code: ResultCode.notSupported, message: "The service has no settings.")
            }
        }
        table.NameToGuid = { name, guid in
            TableOutputs().fill { () throws(HostFailure) in
                let guid = try TableOutputs.required(guid, "guid")
                let name = WideString.buffer(try TableOutputs.required(name, "name"))
                guid.pointee = NameGuid(namespace: NameGuid.layers, name: name).value
                return EmulatorReply()
            }
        }
        table.FreeString = { text in free(text) }
        return table
    }
}

// MARK: The shape of every function. Not in the type: a closure that calls a static method captures the type.

private let local = LocalBackend()
private let remote = RemoteBackend()

/// A call that takes no handle.
private func call(
    _ backend: some EmulatorBackend, _ call: EmulatorCall, _ text: UnsafePointer<HcsChar>?,
    _ document: UnsafePointer<HcsChar>? = nil, to outputs: TableOutputs
) -> HcsResult {
    outputs.fill { () throws(HostFailure) in
        try outputs.clear(for: call)
        let text = text.map { WideString.string($0) }
        let document = document.map { WideString.string($0) }
        return try backend.answer(EmulatorRequest(call, text: text, document: document), nil)
    }
}

/// A call on a handle.
private func on(
    _ handle: UnsafeMutableRawPointer?, _ call: EmulatorCall, _ text: UnsafePointer<HcsChar>? = nil,
    integer: UInt64 = 0, registers subscription: Subscription? = nil,
    to outputs: TableOutputs = TableOutputs()
) -> HcsResult {
    outputs.fill { () throws(HostFailure) in
        try outputs.clear(for: call)
        let number = UInt64(UInt(bitPattern: handle))
        let request = EmulatorRequest(call, number, text: text.map { WideString.string($0) }, integer: integer)
        if RemoteHandles.isOne(number) { return try RemoteBackend().answer(request, subscription) }
        return try LocalBackend().answer(request, subscription)
    }
}

private func register(
    _ handle: UnsafeMutableRawPointer?, _ call: EmulatorCall, _ callback: HcsNotificationCallback?,
    _ context: UnsafeMutableRawPointer?, _ out: UnsafeMutablePointer<HcsCallback?>?
) -> HcsResult {
    out?.pointee = nil
    guard let callback, let out else { return ResultCode.invalidArgument }
    let registration = Registration(callback: callback, context: context, handle: UInt(bitPattern: handle))
    let subscription = Subscription(registration: registration, out: out)
    return on(handle, call, registers: subscription, to: TableOutputs(handle: out))
}

extension TableOutputs {
    /// Writes the reply that `body` gives; what it throws is a reply, too.
    func fill(_ body: () throws(HostFailure) -> EmulatorReply) -> HcsResult {
        do throws(HostFailure) {
            return write(try body())
        } catch {
            return write(EmulatorReply(error))
        }
    }
}
