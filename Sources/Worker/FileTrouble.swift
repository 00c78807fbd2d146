import Foundation

/// Why a file cannot be read or written.
struct FileTrouble: Error, CustomStringConvertible {
    /// The system's number of what went wrong last.
    let code = errno
    let path: String

    init(_ path: String) { self.path = path }

    /// In the system's words.
    var description: String { String(cString: strerror(code)) }
}
