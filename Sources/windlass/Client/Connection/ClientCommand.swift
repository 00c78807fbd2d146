import ArgumentParser

/// A verb that speaks to a worker; its failures are told in one place and in one way.
protocol ClientCommand: AsyncParsableCommand {
    var connection: ConnectionOptions { get }

    /// What the exit code of this verb means.
    static var exitCodes: ExitCodes { get }

    /// Does it.
    /// - Throws: `ExitCode` to end with that code and no more words; everything else is reported.
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
