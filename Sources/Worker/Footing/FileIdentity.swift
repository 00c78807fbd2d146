import Foundation

/// Which file a path names: its file system and its number there. On Windows only that there is one.
struct FileIdentity: Sendable, Equatable {
    private let device: UInt64
    private let number: UInt64

    /// Nil where the path names nothing. Symbolic links are followed.
    init?(_ path: String) {
        #if os(Windows)
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            (device, number) = (0, 0)
        #else
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino))
        #endif
    }
}
