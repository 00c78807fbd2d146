import ArgumentParser
import ContainerProtocol
import Foundation
import Worker
import ZeroMQ

/// `windlass keys generate`: a new key pair, in two files.
struct KeysGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make a key: NAME.key_secret, which only you may read, and NAME.key, the public one.",
        discussion:
            "Never overwrites a key. With --server it is a worker's own, in the place where a worker looks for it.")

    @Argument(help: "The key's name; with --server it is `server` where no name is given.")
    var name: String?

    @Flag(help: "Make the worker's own key.")
    var server = false

    @Option(
        help: ArgumentHelp(
            "The folder for the files: by default \(KeyPlaces.folder) with --server, else the user's own.",
            valueName: "dir"))
    var dir: String?

    func validate() throws {
        guard server || name != nil else { throw ValidationError("give the key a name, or --server") }
    }

    func run() throws {
        try ContextCommand.reporting {
            let name = name ?? "server"
            guard server || ClientFile.isName(name) else {
                throw Failure.invalidArgument(
                    "\"\(name)\" is no name for a key: use up to 64 of A-Z a-z 0-9 _ . - and not \"local\"")
            }
            let folder = dir ?? (server ? KeyPlaces.folder : KeyPlaces.userFolder())
            let (secret, open) = ("\(folder)/\(name)\(KeyPlaces.secretSuffix)", "\(folder)/\(name)\(ClientFile.suffix)")
            do {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
                // A public key without its secret one beside it is somebody's all the same.
                if FileManager.default.fileExists(atPath: open) {
                    throw Failure(.alreadyExists, "\(open) is there already; remove it first, or choose another name")
                }
                let pair = try CurveKeyPair()
                let metadata = ["name": name]
                try KeyFile.write(
                    Certificate(publicKey: pair.publicKey, secretKey: pair.secretKey, metadata: metadata).text,
                    to: secret, .secretKey, mayReplace: false)
                try KeyFile.write(
                    Certificate(publicKey: pair.publicKey, metadata: metadata).text, to: open, .publicKey,
                    mayReplace: false)
                try Terminal.write(
                    "secret key: \(secret)\npublic key: \(open)\n\(pair.publicKey.z85)\n", to: .output)
            } catch let trouble as KeyFile.Trouble {
                throw Failure(.alreadyExists, trouble.description)
            }
        }
    }
}
