import ArgumentParser
import ContainerProtocol
import Foundation
import Worker
import ZeroMQ

/// `windlass keys show`: a public key, to be given to others.
struct KeysShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a public key: in Z85, in hexadecimal, and the fingerprint by which logs name it.")

    @Argument(help: "A key's name, or its file; by default server, the worker's own.")
    var name = "server"

    @Option(help: ArgumentHelp("The folder with the key's files.", valueName: "dir"))
    var dir: String?

    func run() throws {
        try ContextCommand.reporting {
            let folders = dir.map { [$0] } ?? [KeyPlaces.folder, KeyPlaces.userFolder()]
            let candidates = [name] + folders.map { "\($0)/\(name)\(ClientFile.suffix)" }
            guard let path = candidates.first(where: { KeysShowCommand.isFile($0) }) else {
                throw Failure(
                    .notFound,
                    "there is no key \(name); looked for \(candidates.dropFirst().joined(separator: " and "))")
            }
            let key = try WorkerAddress.publicKey(path)
            try Terminal.write(
                "z85: \(key.z85)\nhex: \(key.hexadecimal)\nfingerprint: \(key.fingerprint)\n", to: .output)
        }
    }

    private static func isFile(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }
}
