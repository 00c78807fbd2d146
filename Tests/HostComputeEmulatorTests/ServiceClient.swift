import CHostCompute
import Foundation
import Testing

@testable import HostComputeEmulator

/// One client of a service that is none of the table's: it can end as a process that dies does.
final class ServiceClient {
    let emulator: RemoteEmulator
    private let connection: RemoteConnection
    private var descriptors: [Int32] = []

    init(_ path: String) throws {
        emulator = RemoteEmulator(path)
        connection = try emulator.connect()
    }

    deinit { die() }

    /// The connection ends without a word, and with it every descriptor.
    func die() {
        emulator.disconnect()
        for descriptor in descriptors { close(descriptor) }
        descriptors = []
    }

    @discardableResult
    func call(
        _ call: EmulatorCall, _ handle: UInt64 = 0, _ text: String? = nil, _ document: String? = nil,
        integer: UInt64 = 0
    ) throws -> EmulatorReply {
        let request = EmulatorRequest(call, handle, text: text, document: document, integer: integer)
        let answer = try connection.call(request)
        descriptors += answer.streams.filter { $0 >= 0 }
        return answer
    }

    /// A compute system that runs; its handle.
    func system(_ id: String, _ changes: [String: Any?] = [:]) throws -> UInt64 {
        let made = try call(.createComputeSystem, 0, id, Host.document(id, changes))
        try #require(made.code == 0, "\(made)")
        try #require(try call(.startComputeSystem, made.handle).code == 0)
        return made.handle
    }

    func open(_ id: String) throws -> UInt64 {
        let opened = try call(.openComputeSystem, 0, id)
        try #require(opened.code == 0, "\(opened)")
        return opened.handle
    }

    /// A shell with pipes for everything.
    func shell(_ system: UInt64, _ script: String) throws -> EmulatorReply {
        let document: [String: Any] = [
            "CommandLine": "/bin/sh -c \"\(script)\"", "CreateStdInPipe": true, "CreateStdOutPipe": true,
            "CreateStdErrPipe": true,
        ]
        let made = try call(.createProcess, system, Host.json(document))
        try #require(made.code == 0, "\(made)")
        return made
    }

    func openProcess(_ system: UInt64, _ pid: UInt32) throws -> EmulatorReply {
        try call(.openProcess, system, integer: UInt64(pid))
    }

    func properties(_ process: UInt64) throws -> [String: Any] {
        Host.parse(try call(.getProcessProperties, process).text)
    }

    /// The ids of those that the system lists.
    func list(_ system: UInt64) throws -> [UInt32] {
        let text = try call(.getComputeSystemProperties, system, #"{"PropertyTypes":["ProcessList"]}"#).text
        return ids(Host.parse(text)["ProcessList"])
    }

    /// The ids of those that were created in the system, whether or not they have exited.
    func created(_ system: UInt64) throws -> [UInt32] {
        let created = Host.parse(try call(.getComputeSystemProperties, system).text)["CreatedProcesses"]
        return ids(try #require(created as? [String: Any])["Processes"])
    }

    private func ids(_ list: Any?) -> [UInt32] {
        (list as? [[String: Any]] ?? []).compactMap { ($0["ProcessId"] as? NSNumber)?.uint32Value }
    }
}

/// Looks again and again for what no notification tells.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<100_000 {
        if try condition() { return true }
        usleep(100)
    }
    return false
}
