import ContainerModel
import Dispatch
import Foundation
import MessagePack

/// Where the output of a host's containers is kept: a folder for each life of a container, and a file for each process.
struct SpoolFolder: Sendable {
    private let root: URL

    init(stateDirectory: String) { root = URL(fileURLWithPath: stateDirectory).appendingPathComponent("output") }

    /// The folder of a container; one that takes the id later has another.
    func folder(of record: ContainerRecord) -> URL {
        root.appendingPathComponent(SpoolFolder.name(record.id, record.createdAt))
    }

    private static func name(_ id: ContainerID, _ createdAt: Timestamp) -> String {
        "c-\(escaped(id.rawValue))-\(createdAt.seconds)-\(createdAt.nanoseconds)"
    }

    /// The file of the `number`th process that was started in a container.
    func file(_ number: Int, _ process: ProcessName, of record: ContainerRecord) -> String {
        folder(of: record).appendingPathComponent("p-\(SpoolFolder.escaped(process.rawValue))-\(number)").path
    }

    /// Removes the folders of now that are none of these containers', on a thread of their own.
    func removeAll(besides owners: [(id: ContainerID, createdAt: Timestamp)]) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        guard !names.isEmpty else { return }
        DispatchQueue.global(qos: .utility).async {
            let kept = Set(owners.map { SpoolFolder.name($0.id, $0.createdAt) })
            for name in names where !kept.contains(name) {
                try? FileManager.default.removeItem(at: root.appendingPathComponent(name))
            }
        }
    }

    /// Takes away what others may do with what an earlier version left.
    func tighten() {
        try? StateDirectory.tighten(root.path, 0o700)
    }

    /// Removes the folder of a container, on a thread of its own.
    func remove(of record: ContainerRecord) {
        let folder = folder(of: record)
        DispatchQueue.global(qos: .utility).async { try? FileManager.default.removeItem(at: folder) }
    }

    /// File systems may take `a` and `A` for the same.
    private static func escaped(_ name: String) -> String {
        var text = ""
        for letter in name { text += letter.isUppercase ? "^" + letter.lowercased() : String(letter) }
        return text
    }
}
