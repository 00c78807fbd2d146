import CHostCompute
import ContainerDriver
import Dispatch
import Foundation
import HostComputeEmulator
import Synchronization

@testable import HostComputeDriver

/// A Host Compute Service that keeps the documents it is given, to the last UTF-16 unit, and agrees to everything.
///
/// C functions capture nothing, so there is one list; whoever uses it does so alone.
enum RecordingService {
    struct Call: Equatable {
        var name: String
        var document: String
    }
    private struct State {
        var calls: [Call] = []
        var waiters: [DispatchSemaphore] = []
    }
    private static let state = Mutex(State())

    static func forget() { state.withLock { $0.calls = [] } }

    static func documents(of name: String) -> [String] {
        state.withLock { $0.calls.filter { $0.name == name }.map(\.document) }
    }

    /// The document of the next call of `name` that is still to come, or has come.
    static func waitForDocument(of name: String) -> String? {
        let deadline = DispatchTime.now() + .seconds(20)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let found = state.withLock { state in
                let found = state.calls.last { $0.name == name }?.document
                if found == nil { state.waiters.append(semaphore) }
                return found
            }
            if let found { return found }
            guard semaphore.wait(timeout: deadline) == .success else { return nil }
        }
    }

    private static func note(_ name: String, _ text: UnsafePointer<HcsChar>?) -> HcsResult {
        let document = text.map { String(decodingCString: $0, as: UTF16.self) } ?? "NULL"
        let waiters = state.withLock { state in
            state.calls.append(Call(name: name, document: document))
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.signal() }
        return 0
    }

    private typealias Text = UnsafeMutablePointer<UnsafeMutablePointer<HcsChar>?>

    private static func answer(
        _ name: String, _ query: UnsafePointer<HcsChar>?, _ document: String, _ target: Text?
    ) -> HcsResult {
        let units = Array(document.utf16) + [0]
        let copy = UnsafeMutablePointer<HcsChar>.allocate(capacity: units.count)
        copy.initialize(from: units, count: units.count)
        target?.pointee = copy
        return note(name, query)
    }

    private static let handle: UInt = 8

    private static func give(_ target: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) {
        target?.pointee = UnsafeMutableRawPointer(bitPattern: handle)
    }

    /// The read ends of the pipes that processes were given as input; kept so that writing works.
    private static let inputs = Mutex<[Pipe]>([])

    static let table: UInt = {
        var table = HostComputeTable()
        fillSystems(&table)
        fillProcesses(&table)
        table.HcsGetServiceProperties = { query, properties, _ in
            RecordingService.answer("HcsGetServiceProperties", query, "{}", properties)
        }
        table.NameToGuid = HostComputeEmulator.table.pointee.NameToGuid
        table.FreeString = { $0?.deallocate() }
        let memory = UnsafeMutablePointer<HostComputeTable>.allocate(capacity: 1)
        memory.initialize(to: table)
        return UInt(bitPattern: memory)
    }()

    static func driver() -> HostComputeDriver? {
        guard let table = UnsafePointer<HostComputeTable>(bitPattern: table) else { return nil }
        return HostComputeDriver(
            table: table, name: "hcs", version: "", owner: "windlass", isolates: true, timeouts: .quick)
    }

    private static func fillSystems(_ table: inout HostComputeTable) {
        table.HcsEnumerateComputeSystems = { query, systems, _ in
            RecordingService.answer("HcsEnumerateComputeSystems", query, "[]", systems)
        }
        table.HcsCreateComputeSystem = { id, document, _, system, _ in
            RecordingService.give(system)
            _ = RecordingService.note("id", id)
            return RecordingService.note("HcsCreateComputeSystem", document)
        }
        table.HcsOpenComputeSystem = { _, system, _ in
            RecordingService.give(system)
            return 0
        }
        table.HcsCloseComputeSystem = { _ in 0 }
        table.HcsStartComputeSystem = { _, text, _ in RecordingService.note("HcsStartComputeSystem", text) }
        table.HcsShutdownComputeSystem = { _, text, _ in RecordingService.note("HcsShutdownComputeSystem", text) }
        table.HcsTerminateComputeSystem = { _, text, _ in RecordingService.note("HcsTerminateComputeSystem", text) }
        table.HcsGetComputeSystemProperties = { _, query, properties, _ in
            RecordingService.answer("HcsGetComputeSystemProperties", query, #"{"State":"Created"}"#, properties)
        }
        table.HcsModifyComputeSystem = { _, text, _ in RecordingService.note("HcsModifyComputeSystem", text) }
        table.HcsRegisterComputeSystemCallback = { _, _, _, callback in
            RecordingService.give(callback)
            return 0
        }
        table.HcsUnregisterComputeSystemCallback = { _ in 0 }
    }

    private static func fillProcesses(_ table: inout HostComputeTable) {
        table.HcsCreateProcess = { _, document, information, process, _ in
            let pipe = Pipe()
            RecordingService.inputs.withLock { $0.append(pipe) }
            information?.pointee.ProcessId = 11
            information?.pointee.StdInput = UnsafeMutableRawPointer(
                bitPattern: Int(dup(pipe.fileHandleForWriting.fileDescriptor)))
            RecordingService.give(process)
            return RecordingService.note("HcsCreateProcess", document)
        }
        table.HcsCloseProcess = { _ in 0 }
        table.HcsTerminateProcess = { _, _ in 0 }
        table.HcsSignalProcess = { _, text, _ in RecordingService.note("HcsSignalProcess", text) }
        table.HcsModifyProcess = { _, text, _ in RecordingService.note("HcsModifyProcess", text) }
        table.HcsGetProcessProperties = { _, properties, _ in
            RecordingService.answer("HcsGetProcessProperties", nil, #"{"Exited":true,"ExitCode":0}"#, properties)
        }
        table.HcsRegisterProcessCallback = { _, _, _, callback in
            RecordingService.give(callback)
            return 0
        }
        table.HcsUnregisterProcessCallback = { _ in 0 }
    }
}
