import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack

/// What containers were made of that `restart` has removed and not yet created again, in files of the user's own.
struct RestartNotes: Sendable {
    private let folder: String

    /// - Parameter endpoint: the worker's, since two workers may have containers of one name.
    init(endpoint: String, environment: [String: String] = ProcessInfo.processInfo.environment) {
        let name = String(endpoint.map { $0.isLetter || $0.isNumber || $0 == "." ? $0 : "_" })
        folder = KeyPlaces.userFolder(environment) + "/restarts/" + name
    }

    private func path(_ id: ContainerID) -> String { folder + "/" + id.rawValue }

    /// The parameters of its `create`; nil where there are none.
    func read(_ id: ContainerID) throws -> Value.Map? {
        guard let data = FileManager.default.contents(atPath: path(id)) else { return nil }
        do {
            let value = try Array(data).withUnsafeBytes { bytes in try Reader().read(bytes) { try $0.value() } }
            guard let map = value.map else { throw Failure.invalidArgument("no map") }
            return map
        } catch {
            throw Failure(
                .dataLoss, "\(path(id)) should say what \(id) was made of and cannot be read: \(error); remove it")
        }
    }

    /// Keeps the parameters: a whole file or none. They may hold secrets, so only the user can read it.
    func write(_ id: ContainerID, _ parameters: Value.Map) throws {
        let writer = Writer()
        writer.value(.map(parameters))
        let draft = path(id) + ".draft"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            guard
                FileManager.default.createFile(
                    atPath: draft, contents: Data(writer.bytes), attributes: [.posixPermissions: 0o600]),
                rename(draft, path(id)) == 0
            else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            throw Failure(
                .unavailable,
                "\(path(id)) cannot be written, and without it a restart that is cut short would forget \(id): "
                    + error.localizedDescription)
        }
    }

    /// Forgets it.
    func remove(_ id: ContainerID) { try? FileManager.default.removeItem(atPath: path(id)) }
}
