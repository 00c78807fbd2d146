import Foundation

/// What is seen of a file without opening it: it changes when the file is written, renamed, removed, or given other
/// permissions.
struct FileSignature: Sendable, Equatable {
    private let parts: [Int64]

    /// Looks at a file; what is not there has a signature too.
    init(_ path: String) {
        #if os(Windows)
            let found = try? FileManager.default.attributesOfItem(atPath: path)
            let modified = (found?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            parts = found == nil ? [] : [Int64(modified * 1000), (found?[.size] as? NSNumber)?.int64Value ?? 0]
        #else
            var status = stat()
            guard stat(path, &status) == 0 else {
                parts = []
                return
            }
            parts = [
                Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec), Int64(status.st_size),
                Int64(truncatingIfNeeded: status.st_ino), Int64(status.st_mode), Int64(status.st_uid),
                // Its permissions may change within a second.
                Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec),
            ]
        #endif
    }
}
