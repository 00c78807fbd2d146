import ArgumentParser
import ContainerProtocol
import Foundation
import MessagePack
import Worker

/// `windlass keys revoke`: lets a principal in no more.
struct KeysRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Let a name in no more, and end its connections.",
        discussion: "Prints how many connections were ended. A worker that cannot be asked sees it within 2 s.")

    @Argument(help: "The principal's name.")
    var name: String

    @OptionGroup var clients: ClientsOptions

    func run() async throws {
        let console = Console(format: clients.connection.format)
        do {
            let files = clients.files(of: name)
            guard !files.isEmpty else {
                throw Failure(.notFound, "\(clients.directory.path) has no key of \"\(name)\"")
            }
            for file in files { try FileManager.default.removeItem(atPath: clients.directory.path + "/" + file) }
            switch await clients.ask(.keysReload) {
            case .success(let result):
                if console.format == .json { return try console.json(result) }
                let count = result["cut"]?.unsigned ?? 0
                try console.line("\(name) may come in no more; connections ended: \(count)")
            case .failure(let failure):
                console.note("the worker was not asked (\(failure.message)): where one runs, it sees this within 2 s")
                try console.line("\(name) may come in no more")
            }
        } catch {
            console.report(error)
            throw ExitCodes.failed
        }
    }
}
