import CHostCompute
import Foundation
import HostComputeEmulator
import Synchronization
import Testing

/// The answer to a call of the table.
struct Answer {
    var code: UInt32
    var result: String?

    init(_ code: HcsResult, _ result: UnsafeMutablePointer<HcsChar>? = nil) {
        self.code = UInt32(bitPattern: code)
        self.result = Host.take(result)
    }
}

/// The table as a client sees it, and folders to work in.
enum Host {
    /// The functions that the test that runs is to use.
    static var table: HostComputeTable { way == .direct ? direct : remote }
    private static let direct = HostComputeEmulator.table.pointee

    /// How a test reaches the emulator.
    enum Way: Sendable { case direct, overSocket }
    @TaskLocal static var way = Way.direct

    /// Runs a body on a thread of its own, which reaches the emulator as the test does.
    static func onThread(_ body: @escaping @Sendable () -> Void) {
        let way = way
        Thread.detachNewThread { $way.withValue(way) { body() } }
    }

    /// The service of this process, and the connection to it.
    private static let remote: HostComputeTable = {
        do {
            let path = "\(root)/emulator.sock"
            let service = try EmulatorService(socket: path, settings(root: root))
            running.withLock { $0 = service }
            return try HostComputeEmulator.connect(socket: path).table.pointee
        } catch {
            Issue.record(error)
            return direct
        }
    }()
    private static let running = Mutex<EmulatorService?>(nil)

    static let success: UInt32 = 0
    static let pending: UInt32 = 0xC037_0103
    static let invalidState: UInt32 = 0xC037_0105
    static let alreadyStopped: UInt32 = 0xC037_0110

    static let root: String = {
        let root = NSTemporaryDirectory() + "host-compute-emulator-\(ProcessInfo.processInfo.processIdentifier)"
        atexit { try? FileManager.default.removeItem(atPath: Host.root) }
        do { try HostComputeEmulator.configure(settings(root: root)) } catch { Issue.record(error) }
        return root
    }()

    static func settings(root: String) -> HostComputeEmulator.Settings {
        HostComputeEmulator.Settings(root: root, grace: .milliseconds(300))
    }

    private static let counter = Mutex(0)

    static func newID(_ prefix: String = "test") -> String {
        counter.withLock { counter in
            counter += 1
            return "\(prefix)-\(counter)"
        }
    }

    static func wide(_ text: String) -> [HcsChar] { Array(text.utf16) + [0] }

    /// Copies and frees a string that the table gave.
    static func take(_ text: UnsafeMutablePointer<HcsChar>?) -> String? {
        guard let text else { return nil }
        defer { table.FreeString?(text) }
        return String(decodingCString: text, as: UTF16.self)
    }

    /// A document of process isolation, with fields replaced or (nil) removed.
    static func document(_ id: String, _ changes: [String: Any?] = [:]) -> String {
        var document: [String: Any] = [
            "SystemType": "Container", "Name": id, "Owner": "windlass",
            "VolumePath": #"\\?\Volume{11111111-2222-3333-4444-555555555555}"#,
            "LayerFolderPath": "\(root)/layers/\(id)", "HvPartition": false,
            "Layers": [["ID": "ba36fe09-79ac-55c5-ad84-7e8f9ae6cf1a", "Path": "\(root)/layers/base"]],
        ]
        for (key, value) in changes { document[key] = value }
        return json(document)
    }

    static func hyperV(_ id: String) -> String {
        document(id, ["HvPartition": true, "HvRuntime": ["ImagePath": "/layers/UtilityVM"], "VolumePath": nil])
    }

    static func json(_ value: Any) -> String {
        guard let data = try? JSONSerialization.data(withJSONObject: value) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }

    static func parse(_ text: String?) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data((text ?? "").utf8))) as? [String: Any] ?? [:]
    }

    static func create(_ id: String, _ document: String) -> (answer: Answer, handle: HcsSystem?) {
        var handle: HcsSystem?
        var result: UnsafeMutablePointer<HcsChar>?
        let code = table.HcsCreateComputeSystem?(wide(id), wide(document), nil, &handle, &result) ?? -1
        return (Answer(code, result), handle)
    }

    static func open(_ id: String) -> (answer: Answer, handle: HcsSystem?) {
        var handle: HcsSystem?
        var result: UnsafeMutablePointer<HcsChar>?
        let code = table.HcsOpenComputeSystem?(wide(id), &handle, &result) ?? -1
        return (Answer(code, result), handle)
    }

    static func enumerate(_ query: String) -> [String] {
        var systems: UnsafeMutablePointer<HcsChar>?
        var result: UnsafeMutablePointer<HcsChar>?
        let code = table.HcsEnumerateComputeSystems?(wide(query), &systems, &result) ?? -1
        let text = take(systems)
        guard Answer(code, result).code == success, let text,
            let list = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]]
        else { return [] }
        return list.compactMap { $0["Id"] as? String }.sorted()
    }

    static func processIsGone(_ pid: Int32) -> Bool {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return true }
        return status.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }
}
