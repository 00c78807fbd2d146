import Foundation

/// What the compute systems of one worker are marked with: `windlass:` and an id that stays with its state folder, so
/// that a restarted worker knows its own, and two workers of a host never take each other's.
enum OwnerTag {
    private static let prefix = "windlass:"

    /// Whether a worker has been in this state folder before.
    static func isThere(stateDirectory: String) -> Bool {
        FileManager.default.fileExists(
            atPath: URL(fileURLWithPath: stateDirectory).appendingPathComponent("owner").path)
    }

    /// Reads the id from the state folder, and makes both where they are missing.
    static func read(stateDirectory: String) throws -> String {
        let folder = URL(fileURLWithPath: stateDirectory)
        let file = folder.appendingPathComponent("owner").path
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            if !FileManager.default.fileExists(atPath: file) { try write(file, in: folder) }
            let text = try String(contentsOfFile: file, encoding: .utf8)
            guard let id = UUID(uuidString: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw ConfigurationError(
                    "\(file) should hold the id that this worker marks its containers with, and does not; restore the file, "
                        + "or remove it: the worker then takes none of the containers that run for its own")
            }
            return prefix + id.uuidString.lowercased()
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError("\(file) cannot be read or made: \(error.localizedDescription)")
        }
    }

    /// A whole file or none, and never in place of one that another process has just made.
    private static func write(_ file: String, in folder: URL) throws {
        let draft = folder.appendingPathComponent("owner.\(UUID().uuidString)").path
        try Data((UUID().uuidString.lowercased() + "\n").utf8).write(to: URL(fileURLWithPath: draft))
        defer { try? FileManager.default.removeItem(atPath: draft) }
        do {
            try FileManager.default.linkItem(atPath: draft, toPath: file)
        } catch {
            guard FileManager.default.fileExists(atPath: file) else { throw error }
        }
    }
}
