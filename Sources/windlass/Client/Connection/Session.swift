import ContainerModel
import ContainerProtocol
import MessagePack
import WorkerClient

/// One command's conversation with one worker.
struct Session: Sendable {
    let client: WorkerClient
    let console: Console
    /// What the user allows a request to take.
    let timeout: Duration?

    /// Finds out whether the worker is there, in bounded time, before anything is asked of it.
    static func open(
        _ address: WorkerAddress, _ options: ConnectionOptions, _ console: Console
    ) async throws -> Session {
        let session = Session(
            client: try WorkerClient(address.commands, credentials: address.credentials), console: console,
            timeout: options.timeout?.duration)
        do throws(Failure) {
            _ = try await session.client.call(.ping, timeout: session.timeout ?? .seconds(2))
        } catch {
            guard error.code == .unavailable, address.credentials == nil else { throw error }
            let (isTurnedAway, isSilent) = await (session.client.isTurnedAway, session.client.isSilent)
            let advice = isTurnedAway || isSilent ? "" : " start one with `windlass worker`"
            throw Failure(.unavailable, error.message + advice, retryable: true)
        }
        session.reportConnection()
        return session
    }

    /// Reports to the user that the worker is away, and that it is back. Calls wait meanwhile and report nothing.
    private func reportConnection() {
        let (changes, console, endpoint) = (client.connectionChanges, console, client.endpoint)
        Task {
            var isAway = false
            for await stands in changes where stands == isAway {
                isAway = !stands
                console.note(
                    isAway ? "the connection to \(endpoint) broke; waiting for the worker" : "the worker is back")
            }
        }
    }

    /// Asks the worker, and waits for as long as the user allows, or else as the method may take.
    @discardableResult
    func call(_ method: Method, _ parameters: Value = [:]) async throws -> Value {
        try await client.call(method, parameters, timeout: timeout)
    }

    /// Asks the worker about one container.
    @discardableResult
    func call(_ method: Method, _ id: ContainerID, _ more: Value.Map = [:]) async throws -> Value {
        var parameters: Value.Map = ["id": .string(id.rawValue)]
        parameters.merge(more) { _, new in new }
        return try await call(method, .map(parameters))
    }

    /// Does the same for several containers at a time and in no order; one failure does not keep the others from it.
    /// - Parameters:
    ///   - use: how the names may be written.
    ///   - mayBeGone: whether a container that is not there is as good as one that was treated.
    /// - Throws: `ExitCode` where one failed, which has been reported then.
    func forEach(
        _ names: [ContainerID], _ use: NameUse = .anyBeginning, mayBeGone: Bool = false,
        _ body: @escaping @Sendable (ContainerID) async throws -> Void
    ) async throws {
        let failed = await withTaskGroup(of: Bool.self) { group in
            for name in names {
                group.addTask {
                    do {
                        try await body(use == .wholeName ? name : try await container(name, use))
                        return false
                    } catch {
                        console.report(error)
                        return !(mayBeGone && (error as? Failure)?.code == .notFound)
                    }
                }
            }
            return await group.reduce(false) { $0 || $1 }
        }
        if failed { throw ExitCodes.failed }
    }
}
