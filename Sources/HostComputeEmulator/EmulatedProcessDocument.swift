import ContainerModel

/// What ProcessConfig (HostComputeService D.4) asks for.
struct EmulatedProcessDocument {
    let arguments: [String]
    let user: String
    let workingDirectory: String
    let environment: [String: String]
    let console: ConsoleSize?
    let wantsInput: Bool
    let wantsOutput: Bool
    let wantsError: Bool

    init(_ config: ProcessConfig) throws(HostFailure) {
        let line = config.commandLine ?? ""
        arguments = EmulatedCommandLine.split(line)
        user = config.user ?? ""
        workingDirectory = config.workingDirectory ?? ""
        environment = config.environment ?? [:]
        let emulatesConsole = config.emulateConsole ?? false
        let size = try EmulatedProcessDocument.consoleSize(config.consoleSize ?? [])
        console = emulatesConsole ? size : nil
        wantsInput = config.createStdInPipe ?? false
        wantsOutput = config.createStdOutPipe ?? false
        wantsError = config.createStdErrPipe ?? false && !emulatesConsole
        guard !arguments.isEmpty else { throw .invalidArgument("CommandLine is required.") }
        for text in [line, user, workingDirectory] + environment.flatMap({ [$0.key, $0.value] })
        where text.utf8.contains(0) {
            throw .invalidArgument("A NUL character is not allowed.")
        }
    }

    /// `[height, width]`; zero means the usual size.
    private static func consoleSize(_ numbers: [Int64]) throws(HostFailure) -> ConsoleSize {
        let standard = ConsoleSize(width: 80, height: 25)
        if numbers.isEmpty { return standard }
        guard numbers.count == 2, let height = UInt16(exactly: numbers[0]), let width = UInt16(exactly: numbers[1])
        else { throw .invalidDocument("ConsoleSize: [height, width] is expected.") }
        return ConsoleSize(
            width: width == 0 ? standard.width : width, height: height == 0 ? standard.height : height)
    }
}
