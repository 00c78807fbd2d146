import ContainerProtocol
import Foundation
import Worker
import WorkerClient
import ZeroMQ

/// The worker that a command speaks to, and what is needed to reach it.
struct WorkerAddress {
    /// The command endpoint.
    let commands: String
    /// The event endpoint.
    let events: String
    /// Nil for a worker on this host.
    let credentials: Credentials?

    static let defaultCommands = "tcp://127.0.0.1:5770"
    static let defaultEvents = "tcp://127.0.0.1:5771"

    /// The values of flags and environment; nil where neither is set.
    struct Choice {
        var context: String?
        var worker: String?
        var events: String?
        /// The worker's public keys, separated by commas: files, Z85 or hexadecimal.
        var serverKey: String?
        /// The file of the client's secret key.
        var key: String?

        /// Fills in what is missing from the environment.
        func completed(from environment: [String: String]) -> Choice {
            var choice = self
            let value = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
            if worker == nil { choice.context = context ?? value("WINDLASS_CONTEXT") }
            choice.worker = worker ?? (context == nil ? value("WINDLASS_WORKER") : nil)
            choice.events = events ?? (context == nil ? value("WINDLASS_EVENTS") : nil)
            choice.serverKey = serverKey ?? (context == nil ? value("WINDLASS_SERVER_KEY") : nil)
            choice.key = key ?? (context == nil ? value("WINDLASS_KEY") : nil)
            return choice
        }
    }

    /// Finds the worker: by the choice, then by its context or the current one, then on this host.
    /// - Throws: `Failure` where a file cannot be used, or a key is missing.
    init(_ choice: Choice, _ contexts: @autoclosure () throws -> Contexts) throws {
        // A worker that is named leaves nothing of the context in use.
        let isNamed = choice.worker != nil && choice.context == nil
        let context = isNamed ? nil : try contexts().context(choice.context)
        commands = choice.worker ?? context?.worker ?? WorkerAddress.defaultCommands
        events = choice.events ?? context?.events ?? WorkerAddress.events(besides: commands)
        let (serverKey, key) = (choice.serverKey ?? context?.serverKey, choice.key ?? context?.key)
        credentials = try WorkerAddress.credentials(commands, serverKey: serverKey, key: key)
    }

    /// The default event endpoint: a worker publishes at the port after that of its commands.
    private static func events(besides commands: String) -> String {
        guard commands.hasPrefix("tcp://"), let colon = commands.lastIndex(of: ":"),
            let port = UInt16(commands[commands.index(after: colon)...]), port < .max
        else { return defaultEvents }
        return "\(commands[..<colon]):\(port + 1)"
    }

    private static func credentials(
        _ endpoint: String, serverKey: String?, key: String?
    ) throws -> Credentials? {
        // A worker on this host is reached without encryption, even if keys are set for other workers.
        if Worker.isOnThisHost(endpoint) { return nil }
        guard let serverKey else {
            throw Failure.invalidArgument(
                "the worker at \(endpoint) is on another host: give its public key with --server-key (a file, or the text "
                    + "that `windlass keys show server` prints there), WINDLASS_SERVER_KEY or a context")
        }
        guard let key else {
            throw Failure.invalidArgument(
                "the worker at \(endpoint) is on another host: give the file of your own secret key with --key, "
                    + "WINDLASS_KEY or a context; `windlass keys generate NAME` makes one")
        }
        let serverKeys = try serverKey.split(separator: ",").map { try publicKey(String($0)) }
        guard let credentials = Credentials(key: try keyPair(key), serverKeys: serverKeys) else {
            throw Failure.invalidArgument("--server-key is empty: give the worker's public key")
        }
        return credentials
    }

    /// Reads a public key: itself, or a file that holds it.
    static func publicKey(_ text: String) throws -> CurveKey {
        // A file first: a path of 40 characters can be read as a key in Z85.
        if !FileManager.default.fileExists(atPath: text), let key = CurveKey(text) { return key }
        do {
            return try Certificate(try KeyFile.read(text, .publicKey)).publicKey
        } catch {
            throw Failure.invalidArgument(
                "\(text) is neither a key (40 characters in Z85, or 64 hex digits) nor a file with one: \(error)")
        }
    }

    /// Reads the file of a secret key.
    static func keyPair(_ path: String) throws -> CurveKeyPair {
        do {
            guard let secret = try Certificate(try KeyFile.read(path, .secretKey)).secretKey else {
                throw Failure.invalidArgument(
                    "\(path) holds no secret key: give the file whose name ends with \(KeyPlaces.secretSuffix)")
            }
            return try CurveKeyPair(secretKey: secret)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.invalidArgument("the key \(path) cannot be used: \(error)")
        }
    }
}
