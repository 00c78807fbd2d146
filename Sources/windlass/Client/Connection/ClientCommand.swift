import ArgumentParser

/// A command that sends requests to a worker. Its failures are reported in one place.
protocol ClientCommand: AsyncParsableCommand {
    var connection: ConnectionOptions { get }

    /// What the exit codes of this command mean.
    static var exitCodes: ExitCodes { get }

    /// Carries out the command.
    /// - Throws: `ExitCode` to end with that code and without a message; any other error is reported.
    func perform(_ session: Session) async throws
}

extension ClientCommand {
    static var exitCodes: ExitCodes { .ofTool }

    func run() async throws {
        let console = Console(format: connection.format)
        let address: WorkerAddress
        do {
            address = try connection.address()
        } catch {
            console.report(error)
            throw ExitCode(Self.exitCodes.ofUsage)
        }
        do {
            let session = try await Session.open(address, connection, console)
            try await perform(session)
        } catch let code as ExitCode {
            throw code
        } catch {
            console.report(error)
            throw ExitCode(Self.exitCodes.code(for: error))
        }
    }
}
