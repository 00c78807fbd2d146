import ArgumentParser
import Foundation

/// Which worker a command speaks to, how long it waits, and how it prints.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("worker"),
        help: ArgumentHelp(
            "The worker's command endpoint; else WINDLASS_WORKER, else \(ConnectionOptions.defaultEndpoint).",
            valueName: "endpoint"))
    var workerFlag: String?

    @Option(help: "How to print: a table for people, or JSON, one value a line.")
    var format = OutputFormat.table

    @Option(
        help: ArgumentHelp(
            "The longest wait for an answer, such as 500ms, 10s or 2m; by default 30s, and 5m for what waits for its turn in a container.",
            valueName: "time"))
    var timeout: TimeSpan?

    static let defaultEndpoint = "tcp://127.0.0.1:5770"

    /// The worker's command endpoint.
    var endpoint: String {
        workerFlag ?? ProcessInfo.processInfo.environment["WINDLASS_WORKER"] ?? ConnectionOptions.defaultEndpoint
    }
}
