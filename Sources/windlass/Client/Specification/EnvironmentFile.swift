import ContainerProtocol
import Foundation
import MessagePack

/// `--env-file`: a variable a line, as Docker has it: `NAME=value`, or `NAME` for the value from here. Empty lines and
/// those that begin with # do not count, and quotes are part of the value.
struct EnvironmentFile {
    /// The lines of the file that count.
    static func lines(_ path: String) throws -> [String] {
        let data: Data
        do {
            data =
                path == "-"
                ? FileHandle.standardInput.readDataToEndOfFile() : try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw Failure(.notFound, "--env-file \(path): \(error.localizedDescription)")
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            throw Failure.invalidArgument("--env-file \(path): the file is not UTF-8")
        }
        return lines(in: text)
    }

    static func lines(in text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { String($0.drop { $0 == " " || $0 == "\t" }) }
            .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    }
}
