import ArgumentParser
import Foundation

/// Which worker a command speaks to, how long it waits, and how it prints.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("worker"),
        help: ArgumentHelp(
            "The worker's command endpoint; else WINDLASS_WORKER, the context's, or \(WorkerAddress.defaultCommands).",
            valueName: "endpoint"))
    var workerFlag: String?

    @Option(
        help: ArgumentHelp(
            "The worker by its name (windlass context); else WINDLASS_CONTEXT, or the one in use.", valueName: "name"),
        completion: .contexts)
    var context: String?

    @Option(
        help: ArgumentHelp(
            "The public key of a worker on another host, or its file; else WINDLASS_SERVER_KEY, or the context's.",
            valueName: "key"))
    var serverKey: String?

    @Option(
        help: ArgumentHelp(
            "The file of your own secret key, for a worker on another host; else WINDLASS_KEY, or the context's.",
            valueName: "file"))
    var key: String?

    @Option(help: "How to print: a table for people, or JSON, one value a line.")
    var format = OutputFormat.table

    @Option(
        help: ArgumentHelp(
            "The longest wait for an answer, such as 500ms, 10s or 2m; by default 30s, and 5m for what waits for its turn in a container.",
            valueName: "time"))
    var timeout: TimeSpan?

    /// Options that may stand before the verb too.
    static let names = ["--worker", "--context", "--server-key", "--key", "--format", "--timeout"]

    /// The worker.
    /// - Parameters:
    ///   - events: the event endpoint, where a flag names one.
    ///   - inUse: whether the context in use applies where no worker is named.
    func address(events: String? = nil, inUse: Bool = true) throws -> WorkerAddress {
        let choice = WorkerAddress.Choice(
            context: context, worker: workerFlag, events: events, serverKey: serverKey, key: key)
        let completed = choice.completed(from: ProcessInfo.processInfo.environment)
        return try WorkerAddress(completed, inUse || completed.context != nil ? try Contexts.read() : Contexts())
    }
}
