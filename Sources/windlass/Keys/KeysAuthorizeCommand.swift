import ArgumentParser
import ContainerProtocol
import Foundation
import Worker
import ZeroMQ

/// `windlass keys authorize`: lets a key in.
struct KeysAuthorizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authorize",
        abstract: "Let a public key in, under a name and with a role.",
        discussion: """
            observer: asks, waits, reads output and events (in which secrets may be). scheduler: that, and everything on \
            containers, which is as much as a login on this host. admin: that, and drain and keys. A second key for a name \
            is added beside the first, so that a client can change its key without a break.
            """)

    @Argument(help: "The principal's name.")
    var name: String

    @Argument(
        help: "The public key: its file, or its text in Z85 or hexadecimal. Behind -- it may begin with a hyphen.")
    var key: String

    @Option(help: "observer, scheduler or admin.")
    var role: String

    @Option(help: ArgumentHelp("When the key expires, such as 2027-01-31T12:00:00Z.", valueName: "time"))
    var expires: String?

    @Flag(help: "Do not let it subscribe to events.")
    var noEvents = false

    @Flag(help: "Let it create containers from this host's profiles only, and run nothing else in them.")
    var profilesOnly = false

    @Option(help: ArgumentHelp("Free text about the key.", valueName: "text"))
    var comment: String?

    @OptionGroup var clients: ClientsOptions

    func validate() throws {
        guard Role(rawValue: role) != nil else {
            throw ValidationError("--role must be one of \(Role.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard ClientFile.isName(name) else {
            throw ValidationError("\"\(name)\" is no name: use up to 64 of A-Z a-z 0-9 _ . - and not \"local\"")
        }
        guard comment?.allSatisfy({ $0 != "\"" && !$0.isNewline }) ?? true else {
            throw ValidationError("--comment may have no quotes and no line breaks")
        }
    }

    func run() async throws {
        let console = Console(format: clients.connection.format)
        do {
            let file = try add()
            // Where no worker runs, the next one reads it.
            _ = await clients.ask(.keysReload)
            try console.line("\(name) may come in as \(role): \(file)")
        } catch {
            console.report(error)
            throw ExitCodes.failed
        }
    }

    private func add() throws -> String {
        let publicKey = try WorkerAddress.publicKey(key)
        var metadata = ["role": role]
        if noEvents { metadata["events"] = "no" }
        if profilesOnly { metadata["profiles_only"] = "yes" }
        metadata["expires"] = expires
        metadata["comment"] = comment
        let certificate = Certificate(publicKey: publicKey, metadata: metadata)
        let directory = clients.directory
        let there = directory.read()
        if let other = there.files.first(where: { $0.key == publicKey }) {
            throw Failure(.alreadyExists, "this key is let in already, by \(directory.path)/\(other.fileName)")
        }
        do {
            let fileName = freeName(besides: there.files)
            let file = try ClientFile(fileName: fileName, certificate.text)
            if let first = there.files.first(where: { $0.principal == name && $0.rights != nil }),
                first.rights != file.rights
            {
                throw Failure.invalidArgument(
                    "\(name) has other rights by \(first.fileName): give the same ones, or remove it first with "
                        + "`windlass keys revoke \(name)`")
            }
            try FileManager.default.createDirectory(
                atPath: directory.path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
            let path = directory.path + "/" + fileName
            try KeyFile.write(certificate.text, to: path, .publicKey, mayReplace: false)
            return path
        } catch let error as ClientFile.Unusable {
            throw Failure.invalidArgument("the key cannot be let in: \(error)")
        } catch let error as KeyFile.Trouble {
            throw Failure(.internal, error.description)
        }
    }

    private func freeName(besides files: [ClientFile]) -> String {
        let taken = Set(clients.files(of: name))
        guard taken.contains(name + ClientFile.suffix) else { return name + ClientFile.suffix }
        var number = 2
        while taken.contains("\(name)+\(number)\(ClientFile.suffix)") { number += 1 }
        return "\(name)+\(number)\(ClientFile.suffix)"
    }
}
