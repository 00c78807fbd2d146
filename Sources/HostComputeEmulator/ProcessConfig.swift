/// ProcessConfig as clients send it (HostComputeService D.4), as far as the emulator heeds it.
struct ProcessConfig: Decodable {
    let commandLine: String?
    let user: String?
    let workingDirectory: String?
    let environment: [String: String]?
    let emulateConsole: Bool?
    let createStdInPipe: Bool?
    let createStdOutPipe: Bool?
    let createStdErrPipe: Bool?
    /// Height and width.
    let consoleSize: [Int64]?
}
