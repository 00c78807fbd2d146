import ContainerProtocol
import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// The command line and the environment as the system has them. Swift replaces what is not UTF-8 by other characters,
/// and a container would run with something that was never written; it is refused instead.
enum RawArguments {
    /// The arguments behind the program's name.
    /// - Throws: `invalid_argument`, where one is not UTF-8.
    static func read() throws -> [String] {
        #if canImport(Glibc)
            let all = (1..<max(1, Int(CommandLine.argc))).map { index in
                CommandLine.unsafeArgv[index].map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) } ?? []
            }
            return try texts(all)
        #else
            return Array(CommandLine.arguments.dropFirst())
        #endif
    }

    /// Reads arguments.
    static func texts(_ arguments: [[UInt8]]) throws -> [String] {
        try arguments.enumerated().map { index, bytes in
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Failure.invalidArgument(
                    "argument \(index + 1) is not UTF-8: \(escaped(bytes)); arguments go to containers as UTF-8 only")
            }
            return text
        }
    }

    /// A variable of this program's environment; nil where there is none.
    /// - Throws: `invalid_argument`, where its value is not UTF-8.
    static func variable(_ name: String) throws -> String? {
        #if canImport(Glibc)
            guard let value = getenv(name) else { return nil }
            let bytes = Array(UnsafeRawBufferPointer(start: value, count: strlen(value)))
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Failure.invalidArgument(
                    "the environment's \(name) is not UTF-8: \(escaped(bytes)); an environment goes to containers as "
                        + "UTF-8 only")
            }
            return text
        #else
            return ProcessInfo.processInfo.environment[name]
        #endif
    }

    /// The beginning of the bytes, with those that are not printable ASCII as `\xNN`.
    static func escaped(_ bytes: [UInt8]) -> String {
        let limit = 40
        let text = bytes.prefix(limit).map { byte in
            (0x20..<0x7F).contains(byte)
                ? String(UnicodeScalar(byte)) : "\\x" + String(UInt16(byte) + 0x100, radix: 16).dropFirst()
        }
        return text.joined() + (bytes.count > limit ? "…" : "")
    }
}
