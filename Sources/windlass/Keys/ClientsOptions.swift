import ArgumentParser
import ContainerProtocol
import Foundation
import MessagePack
import Worker
import WorkerClient

/// Where the public keys are that may come in, and the worker that is to read them again.
struct ClientsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The directory with the public keys; else WINDLASS_CLIENTS_DIR, or \(KeyPlaces.clientsDirectory).",
            valueName: "dir"))
    var clientsDir: String?

    @OptionGroup var connection: ConnectionOptions

    /// The directory.
    var directory: ClientDirectory {
        ClientDirectory(
            clientsDir ?? ProcessInfo.processInfo.environment["WINDLASS_CLIENTS_DIR"] ?? KeyPlaces.clientsDirectory)
    }

    /// Asks the worker, where it answers: these commands work on files, and a worker need not run. The files are this
    /// host's, and so is the worker, unless a flag or the environment names another: the context in use says nothing here.
    func ask(_ method: Method) async -> Result<Value, Failure> {
        do {
            let address = try connection.address(inUse: false)
            let client = try WorkerClient(address.commands, credentials: address.credentials)
            return .success(try await client.call(method, timeout: connection.timeout?.duration ?? .seconds(2)))
        } catch {
            return .failure(Console.failure(error))
        }
    }

    /// The files of a principal.
    func files(of name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? [])
            .filter { ClientFile.principal(of: $0) == name }.sorted()
    }
}
