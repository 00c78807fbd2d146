import ArgumentParser
import MessagePack

/// `windlass create`: a new container that waits for `start`.
struct CreateCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a container without starting it.",
        usage: "windlass create [<options>] [--] [<program> [<argument> ...]]")

    @OptionGroup var container: ContainerOptions
    @OptionGroup var process: ProcessOptions

    @Flag(help: "Print the document that the worker would give to its container service, and make nothing.")
    var dryRun = false

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var program: [String] = []

    func validate() throws { _ = try Program.words(program, of: Self.self) }

    func perform(_ session: Session) async throws {
        let command = try Program.words(program, of: Self.self)
        if dryRun {
            let plan = try await container.send(session, process, command, ["dry_run": true])
            return try show(plan.result, session.console)
        }
        let created = try await container.create(session, process, command, start: false)
        try session.console.done(created.id, created.result)
    }
    private func show(_ plan: Value, _ console: Console) throws {
        switch console.format {
        case .table: try console.line(plan["document"]?.string ?? "")
        case .json: try console.json(plan)
        }
    }
}
