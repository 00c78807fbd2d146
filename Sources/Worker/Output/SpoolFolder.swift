import ContainerProtocol
import Dispatch
import Foundation

/// Where the output of a host's containers is kept: a folder for each life of a container, and a file for each process.
struct SpoolFolder: Sendable {
    private let root: URL

    init(stateDirectory: String) { root = URL(fileURLWithPath: stateDirectory).appendingPathComponent("output") }

    /// The folder of a container; one that takes the id later has another.
    func folder(of record: ContainerRecord) -> URL {
        let life = "\(record.createdAt.seconds)-\(record.createdAt.nanoseconds)"
        return root.appendingPathComponent("c-\(SpoolFolder.escaped(record.id.rawValue))-\(life)")
    }

    /// The file of the `number`th process that was started in a container.
    func file(_ number: Int, _ process: ProcessName, of record: ContainerRecord) -> String {
        folder(of: record).appendingPathComponent("p-\(SpoolFolder.escaped(process.rawValue))-\(number)").path
    }

    /// The folders that are none of these containers'.
    func folders(besides records: [ContainerRecord]) -> [URL] {
        let kept = Set(records.map { folder(of: $0).lastPathComponent })
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.filter { !kept.contains($0) }.map { root.appendingPathComponent($0) }
    }

    /// Takes away what others may do with what an earlier version left.
    func tighten() {
        try? StateDirectory.tighten(root.path, 0o700)
    }

    /// Removes folders, on a thread of their own.
    static func remove(_ folders: [URL]) {
        guard !folders.isEmpty else { return }
        DispatchQueue.global(qos: .utility).async {
            for folder in folders { try? FileManager.default.removeItem(at: folder) }
        }
    }

    /// File systems may take `a` and `A` for the same.
    private static func escaped(_ name: String) -> String {
        var text = ""
        for letter in name { text += letter.isUppercase ? "^" + letter.lowercased() : String(letter) }
        return text
    }
}
