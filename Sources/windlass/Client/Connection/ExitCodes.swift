import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack

/// The meaning of exit codes. Failures and containers' exits become codes only here.
enum ExitCodes: Sendable {
    /// The command's own result: 0 or 1.
    case ofTool
    /// The verb's code is the container's; its own failures are 125 to 127.
    case ofContainer

    /// A failure that has been reported already.
    static let failed = ExitCode(1)
    /// The user interrupted the command with Ctrl-C.
    static let interrupted = ExitCode(130)
    /// The tool or the worker failed, or the container's code is not known.
    static let toolFailed: Int32 = 125
    /// The program is there and cannot be invoked.
    static let cannotInvoke: Int32 = 126
    /// The program is not there.
    static let notFound: Int32 = 127

    /// The code for a missing or ambiguous worker address, or a missing key.
    var ofUsage: Int32 {
        switch self {
        case .ofTool: 2
        case .ofContainer: ExitCodes.toolFailed
        }
    }

    /// The code for a failure.
    func code(for error: any Error) -> Int32 {
        switch self {
        case .ofTool: ExitCodes.failed.rawValue
        case .ofContainer: (error as? Failure).map(ExitCodes.invocation) ?? ExitCodes.toolFailed
        }
    }

    /// Maps a failure to create the process to 126 or 127. Other failures say nothing of the program: 125.
    private static func invocation(_ failure: Failure) -> Int32 {
        guard failure.details["operation"]?.string == "HcsCreateProcess",
            let result = failure.details["hresult"]?.unsigned
        else { return toolFailed }
        // HRESULTs of Windows errors.
        return switch result {
        case 0x8007_0002, 0x8007_0003: notFound  // ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND
        case 0x8007_0005: cannotInvoke  // ERROR_ACCESS_DENIED
        case 0x8007_00C1: cannotInvoke  // ERROR_BAD_EXE_FORMAT
        case 0x8007_010B: cannotInvoke  // ERROR_DIRECTORY: there is no such working directory
        default: toolFailed
        }
    }

    /// The code that stands for a process's exit.
    ///
    /// POSIX hands on the low 8 bits of a code only. A failure whose low bits are all 0 becomes 255: it must not look
    /// like success.
    static func code(for exit: Exit) -> Int32 {
        guard exit.known else { return toolFailed }
        #if os(Windows)
            return Int32(bitPattern: exit.code)
        #else
            let low = Int32(exit.code & 0xFF)
            return low == 0 && exit.code != 0 ? 255 : low
        #endif
    }

    /// A remark on an exit that this program's exit code cannot express; nil if none is needed.
    static func remark(on exit: Exit, of name: String) -> String? {
        guard exit.known else {
            return "\(name) ended (\(exit.reason.rawValue)) and its exit code could not be learnt"
        }
        let code = code(for: exit)
        guard Int64(exit.code) != Int64(code) else { return nil }
        return "\(name) exited with \(exit.codeText); a shell only sees \(code)"
    }

    /// Ends the command as the process ended. Where output was lost, success is none.
    static func end(with exit: Exit, of name: String, lostOutput: Bool = false, _ console: Console) throws {
        if let remark = remark(on: exit, of: name) { console.note(remark) }
        var code = code(for: exit)
        if code == 0, lostOutput { code = toolFailed }
        if code != 0 { throw ExitCode(code) }
    }
}
