import ArgumentParser
import ContainerProtocol

/// `windlass create`: a new container that waits for `start`.
struct CreateCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a container without starting it.",
        usage: "windlass create [<options>] [--] [<program> [<argument> ...]]")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var container: ContainerOptions
    @OptionGroup var process: ProcessOptions

    @Argument(parsing: .captureForPassthrough, help: "The program and its arguments.")
    var program: [String] = []

    func validate() throws { _ = try Program.words(program, of: Self.self) }

    func perform(_ session: Session) async throws {
        let created = try await container.create(
            session, process, try Program.words(program, of: Self.self), start: false)
        try session.console.done(created.id, created.result)
    }
}
