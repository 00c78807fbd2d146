import ContainerProtocol
import Foundation
import Worker
import Yams

/// The workers that a user has given names, with what is needed to reach them: `contexts.yaml`.
struct Contexts: Codable, Equatable {
    /// How to reach one worker.
    struct Context: Codable, Equatable {
        /// The command endpoint.
        var worker: String
        /// The event endpoint; the port after that of the commands where it is nil.
        var events: String?
        /// The worker's public keys in Z85 or hexadecimal, or files with them, separated by commas.
        var serverKey: String?
        /// The file of the client's secret key.
        var key: String?

        enum CodingKeys: String, CodingKey {
            case worker, events, key
            case serverKey = "server_key"
        }
    }

    /// The context that is used where none is named.
    var current: String?
    var contexts: [String: Context] = [:]

    /// The file: `WINDLASS_CONTEXTS`, else in the user's own configuration.
    static func path(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        environment["WINDLASS_CONTEXTS"] ?? KeyPlaces.userFolder(environment) + "/contexts.yaml"
    }

    /// Reads the file; where there is none, there are no contexts.
    static func read(_ path: String = path()) throws -> Contexts {
        guard FileManager.default.fileExists(atPath: path) else { return Contexts() }
        do {
            // The file names the key that a worker must prove, so no other user may be able to write it.
            return try YAMLDecoder().decode(Contexts.self, from: try KeyFile.read(path, .publicKey))
        } catch let trouble as KeyFile.Trouble {
            throw Failure.invalidArgument("the contexts in \(path) cannot be used: \(trouble)")
        } catch {
            throw Failure.invalidArgument(
                "the contexts in \(path) cannot be read; write `contexts:` with a map from names to worker, server_key "
                    + "and key, or remove the file: \(error)")
        }
    }

    /// Writes the file.
    func write(_ path: String = path()) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let encoder = YAMLEncoder()
            encoder.options.sortKeys = true
            try KeyFile.write(try encoder.encode(self), to: path, .secretKey, mayReplace: true)
        } catch {
            throw Failure(.internal, "the contexts cannot be written: \(error)")
        }
    }

    /// A context by its name; the current one, or nil, where `name` is nil.
    func context(_ name: String?) throws -> Context? {
        guard let name = name ?? current else { return nil }
        guard let context = contexts[name] else {
            let known = contexts.keys.sorted().joined(separator: ", ")
            throw Failure.invalidArgument(
                "there is no context \"\(name)\"; "
                    + (known.isEmpty ? "make one with `windlass context add`" : "there are: \(known)"))
        }
        return context
    }
}
