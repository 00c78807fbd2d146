/// What ProcessConfig (hcs-reference D.4) asks for.
struct ProcessDocument {
    let arguments: [String]
    let user: String
    let workingDirectory: String
    let environment: [(key: String, value: String)]
    let console: ConsoleSize?
    let wantsInput: Bool
    let wantsOutput: Bool
    let wantsError: Bool

    init(_ document: JSONValue) throws(HostFailure) {
        let line = try document.string("CommandLine") ?? ""
        arguments = CommandLine.split(line)
        user = try document.string("User") ?? ""
        workingDirectory = try document.string("WorkingDirectory") ?? ""
        environment = try document.members("Environment").map { (member) throws(HostFailure) in
            guard case .string(let value) = member.value else {
                throw .invalidDocument("Environment: '\(member.key)' is not a string.")
            }
            return (member.key, value)
        }
        let emulatesConsole = try document.bool("EmulateConsole")
        let size = try ProcessDocument.consoleSize(document)
        console = emulatesConsole ? size : nil
        wantsInput = try document.bool("CreateStdInPipe")
        wantsOutput = try document.bool("CreateStdOutPipe")
        wantsError = try document.bool("CreateStdErrPipe") && !emulatesConsole
        guard !arguments.isEmpty else { throw .invalidArgument("CommandLine is required.") }
        for text in [line, user, workingDirectory] + environment.flatMap({ [$0.key, $0.value] })
        where text.utf8.contains(0) {
            throw .invalidArgument("A NUL character is not allowed.")
        }
    }

    /// `[height, width]`; zero means the usual size.
    private static func consoleSize(_ document: JSONValue) throws(HostFailure) -> ConsoleSize {
        let numbers = try document.array("ConsoleSize")
        if numbers.isEmpty { return .standard }
        guard numbers.count == 2, case .integer(let height) = numbers[0], case .integer(let width) = numbers[1],
            let height = UInt16(exactly: height), let width = UInt16(exactly: width)
        else { throw .invalidDocument("ConsoleSize: [height, width] is expected.") }
        return ConsoleSize(
            height: height == 0 ? ConsoleSize.standard.height : height,
            width: width == 0 ? ConsoleSize.standard.width : width)
    }
}
