import ContainerDriver
import ContainerModel
import Testing

extension ProcessInput {
    /// Hands text to the process.
    func write(_ text: String, end: Bool = false) throws(DriverFailure) -> Int {
        try write(Array(text.utf8), end: end)
    }
}

extension StartedProcess {
    /// The standard input, which the process has to have.
    var stdin: any ProcessInput {
        get throws { try #require(input) }
    }
}

extension OpenedContainer {
    /// The ids of the processes that were found.
    var pids: [ProcessName: UInt32] { processes.compactMapValues(\.pid) }

    /// The standard input of a process that was found, which it has to have.
    func stdin(_ process: ProcessName = .initial) throws -> any ProcessInput { try #require(inputs[process]) }
}
