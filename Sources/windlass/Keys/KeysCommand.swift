import ArgumentParser

/// `windlass keys`: who may come in from other hosts.
struct KeysCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keys",
        abstract: "Make keys, and say who may come in from other hosts.",
        discussion: """
            A client makes a key with `generate NAME` and gives its public file to the operator, who lets it in with \
            `authorize`. The worker's own key is made with `generate --server`. A running worker sees changes within 2 s.
            """,
        subcommands: [
            KeysGenerateCommand.self, KeysShowCommand.self, KeysAuthorizeCommand.self, KeysRevokeCommand.self,
            KeysListCommand.self, KeysReloadCommand.self,
        ])
}
