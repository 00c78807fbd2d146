import ContainerModel
import Foundation
import Testing

@testable import HostComputeEmulator

/// A worker that made containers in the emulator service and then died: a client of its own, whose connection ends
/// without a word.
final class EarlierWorker {
    private let emulator: RemoteEmulator
    private let connection: RemoteConnection
    private let service: EmulatorProcess.Running
    private var descriptors: [Int32] = []

    init(_ service: EmulatorProcess.Running) throws {
        self.service = service
        emulator = RemoteEmulator(service.socket)
        connection = try emulator.connect()
    }

    deinit { die() }

    func die() {
        emulator.disconnect()
        for descriptor in descriptors { close(descriptor) }
        descriptors = []
    }

    @discardableResult
    func call(
        _ call: EmulatorCall, _ handle: UInt64 = 0, _ text: String? = nil, _ document: String? = nil
    ) throws -> EmulatorReply {
        let answer = try answer(call, handle, text, document)
        try #require(answer.code >= 0, "\(call): \(answer.result ?? "")")
        return answer
    }

    private func answer(
        _ call: EmulatorCall, _ handle: UInt64 = 0, _ text: String? = nil, _ document: String? = nil
    ) throws -> EmulatorReply {
        let answer = try connection.call(EmulatorRequest(call, handle, text: text, document: document))
        descriptors += answer.streams.filter { $0 >= 0 }
        return answer
    }

    /// A compute system; its handle.
    func create(_ id: ContainerID, owner: String, hyperV: Bool = false, start: Bool = true) throws -> UInt64 {
        let system = try call(.createComputeSystem, 0, id.rawValue, document(id, owner, hyperV)).handle
        if start { try call(.startComputeSystem, system) }
        return system
    }

    /// Whether the id is another system's.
    func isTaken(_ id: ContainerID) throws -> Bool {
        let answer = try answer(.createComputeSystem, 0, id.rawValue, document(id, "somebody", false))
        return UInt32(bitPattern: answer.code) == 0xC037_010F
    }

    private func document(_ id: ContainerID, _ owner: String, _ hyperV: Bool) throws -> String {
        var document: [String: Any] = [
            "SystemType": "Container", "Name": id.rawValue, "Owner": owner, "HvPartition": hyperV,
            "LayerFolderPath": "\(service.root)/layers/\(id)",
            "Layers": [["ID": "ba36fe09-79ac-55c5-ad84-7e8f9ae6cf1a", "Path": "\(service.root)/layers/base"]],
        ]
        if hyperV {
            document["HvRuntime"] = ["ImagePath": "\(service.root)/layers/base/UtilityVM"]
        } else {
            document["VolumePath"] = #"\\?\Volume{11111111-2222-3333-4444-555555555555}"#
        }
        return try json(document)
    }

    /// Opens a compute system that somebody made, and ends it.
    @discardableResult
    func open(_ id: ContainerID, thenTerminate: Bool) throws -> UInt64 {
        let system = try call(.openComputeSystem, 0, id.rawValue).handle
        if thenTerminate {
            try call(.terminateComputeSystem, system)
            while try call(.enumerateComputeSystems, 0, nil, #"{"Ids":["\#(id)"]}"#).text?.contains("Running") == true {
                usleep(100)
            }
            try call(.closeComputeSystem, system)
        }
        return system
    }

    /// A shell with pipes for everything, or a terminal; its id.
    func shell(_ system: UInt64, _ script: String, terminal: Bool = false) throws -> UInt32 {
        try makeShell(system, script, terminal: terminal).pid
    }

    /// A shell whose exit the worker still learns.
    func shellThatEnds(_ system: UInt64, _ script: String) throws -> UInt32 {
        let made = try makeShell(system, script)
        while try call(.getProcessProperties, made.handle).text?.contains(#""Exited":true"#) == false { usleep(100) }
        try call(.closeProcess, made.handle)
        return made.pid
    }

    private func makeShell(_ system: UInt64, _ script: String, terminal: Bool = false) throws -> EmulatorReply {
        let document: [String: Any] = [
            "CommandLine": "/bin/sh -c \"\(script)\"", "CreateStdInPipe": true, "CreateStdOutPipe": true,
            "CreateStdErrPipe": !terminal, "EmulateConsole": terminal,
        ]
        return try call(.createProcess, system, json(document))
    }

    private func json(_ document: [String: Any]) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: document), as: UTF8.self)
    }
}
