import ArgumentParser
import ContainerProtocol
import Foundation
import ZeroMQ

/// `windlass context`: names for workers, with what is needed to reach them.
struct ContextCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Give workers names, with their addresses and keys.",
        discussion: """
            Kept in contexts.yaml in the user's own configuration (or WINDLASS_CONTEXTS). Flags and the environment come \
            before a context; without --context or WINDLASS_CONTEXT the one in use applies.
            """,
        subcommands: [Add.self, Use.self, List.self, Show.self, Remove.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Add a context, or change one.")

        @Argument(help: "The context's name.", completion: .contexts)
        var name: String

        @Option(help: ArgumentHelp("The worker's command endpoint.", valueName: "endpoint"))
        var worker: String

        @Option(
            help: ArgumentHelp(
                "The worker's event endpoint; by default the port after that of its commands.", valueName: "endpoint"))
        var events: String?

        @Option(
            help: ArgumentHelp(
                "The worker's public key, or its file; several are separated by commas.", valueName: "key"))
        var serverKey: String?

        @Option(help: ArgumentHelp("The file of your own secret key.", valueName: "file"))
        var key: String?

        func run() throws {
            try ContextCommand.reporting {
                guard !name.isEmpty, !name.hasPrefix("-") else {
                    throw Failure.invalidArgument("a context's name may not be empty or begin with -")
                }
                var context = Contexts.Context(worker: worker, events: events, serverKey: nil, key: nil)
                // Keys, not their files, which may move; but of a secret key only the place.
                context.serverKey = try serverKey?.split(separator: ",")
                    .map { try WorkerAddress.publicKey(String($0)).z85 }.joined(separator: ",")
                if let key {
                    _ = try WorkerAddress.keyPair(key)
                    context.key = URL(fileURLWithPath: key).standardizedFileURL.path
                }
                _ = try WorkerAddress(
                    WorkerAddress.Choice(
                        worker: worker, events: events, serverKey: context.serverKey, key: context.key),
                    Contexts())
                var contexts = try Contexts.read()
                contexts.contexts[name] = context
                contexts.current = contexts.current ?? name
                try contexts.write()
            }
        }
    }

    struct Use: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Use a context where none is named.")

        @Argument(help: "The context's name.", completion: .contexts)
        var name: String

        func run() throws {
            try ContextCommand.reporting {
                var contexts = try Contexts.read()
                _ = try contexts.context(name)
                contexts.current = name
                try contexts.write()
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the contexts; the one in use has a star.", aliases: ["ls"])

        func run() throws {
            try ContextCommand.reporting {
                let contexts = try Contexts.read()
                for (name, context) in contexts.contexts.sorted(by: { $0.key < $1.key }) {
                    let kind = context.serverKey == nil ? "" : "  (with a key)"
                    try Terminal.write(
                        "\(name == contexts.current ? "*" : " ") \(name)  \(context.worker)\(kind)\n", to: .output)
                }
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a context; by default the one in use.", aliases: ["inspect"])

        @Argument(help: "The context's name.", completion: .contexts)
        var name: String?

        func run() throws {
            try ContextCommand.reporting {
                guard let context = try Contexts.read().context(name) else {
                    throw Failure.invalidArgument(
                        "no context is in use; name one, or add one with `windlass context add`")
                }
                let rows = [
                    ("worker", context.worker), ("events", context.events), ("server_key", context.serverKey),
                    ("key", context.key),
                ]
                for (name, value) in rows { if let value { try Terminal.write("\(name): \(value)\n", to: .output) } }
            }
        }
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a context. Its keys stay where they are.", aliases: ["rm"])

        @Argument(help: "The context's name.", completion: .contexts)
        var name: String

        func run() throws {
            try ContextCommand.reporting {
                var contexts = try Contexts.read()
                _ = try contexts.context(name)
                contexts.contexts[name] = nil
                if contexts.current == name { contexts.current = nil }
                try contexts.write()
            }
        }
    }

    /// Reports a failure in one sentence.
    static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ExitCode {
            throw error
        } catch {
            Console(format: .table).report(error)
            throw ExitCodes.failed
        }
    }
}
