import ArgumentParser
import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack

/// Prints results to standard output and everything else to standard error.
struct Console: Sendable {
    let format: OutputFormat
    /// Whether standard output is a terminal.
    let isTerminal: Bool
    let hasColour: Bool

    /// Colour and live tables are for terminals; NO_COLOR turns the colour off (no-color.org).
    init(format: OutputFormat) {
        let environment = ProcessInfo.processInfo.environment
        self.format = format
        isTerminal = Terminal.isTerminal(.output)
        let forbidden = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        hasColour = isTerminal && !forbidden && environment["TERM"] != "dumb"
    }

    // MARK: Results

    /// Prints one line.
    func line(_ text: String) throws { try Terminal.write(text + "\n", to: .output) }

    /// Prints a value as one line of JSON.
    func json(_ value: Value) throws { try line(value.json) }

    /// Prints a table, fitted to the terminal where there is one.
    func table(_ table: Table, isTruncated: Bool = true) throws {
        let width = isTerminal && isTruncated ? Terminal.size.map { Int($0.width) } : nil
        for text in table.lines(colour: hasColour, width: width) { try line(text) }
    }

    /// Prints a container's name, which is the result of a command that acts on it.
    func done(_ id: ContainerID, _ result: Value = [:]) throws {
        switch format {
        case .table: try line(id.rawValue)
        case .json:
            var map: Value.Map = ["id": .string(id.rawValue)]
            map.merge(result.map ?? [:]) { own, _ in own }
            try json(.map(map))
        }
    }

    // MARK: Everything else

    /// Writes a message to standard error.
    func note(_ text: String) {
        // A terminal in raw mode needs the carriage return; any other ignores it.
        let end = Terminal.isTerminal(.error) ? "\r\n" : "\n"
        // If standard error is closed, the message is dropped.
        try? Terminal.write("windlass: \(text.printable)\(end)", to: .error)
    }

    /// Writes what the worker does not honour of a request to standard error.
    func reportWarnings(of result: Value) {
        for warning in result["warnings"]?.array ?? [] { note("warning: \(warning.string ?? "")") }
        let ignored = (result["ignored"]?.array ?? []).compactMap(\.string)
        if !ignored.isEmpty { note("warning: the worker ignores \(ignored.joined(separator: ", "))") }
    }

    /// Writes an error to standard error, in the chosen format.
    func report(_ error: any Error) {
        if error is OutputClosed { return }
        let failure = Console.failure(error)
        switch format {
        case .table: note(failure.description)
        case .json: try? Terminal.write(Value.map(["error": failure.value]).json + "\n", to: .error)
        }
    }

    /// The protocol's failure for any error.
    static func failure(_ error: any Error) -> Failure {
        switch error {
        case let failure as Failure: failure
        case let error as ValidationError: Failure(.invalidArgument, error.message)
        case is CancellationError: Failure(.cancelled, "interrupted")
        default: Failure(.internal, "\(error)")
        }
    }
}

/// Standard output has no reader any more.
struct OutputClosed: Error {}
