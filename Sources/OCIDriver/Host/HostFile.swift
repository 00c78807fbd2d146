import Glibc

/// Small files of the host, such as those of `/proc` and of cgroups.
enum HostFile {
    /// A file's bytes, at most `limit` of them; nil where it cannot be read.
    static func bytes(_ path: String, limit: Int = 1 << 20) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let room = min(max(4 << 10, bytes.count), limit - bytes.count)
            let start = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: room))
            let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress?.advanced(by: start), room) }
            bytes.removeLast(room - max(0, count))
            if count < 0 { return errno == EINTR ? self.bytes(path, limit: limit) : nil }
            if count == 0 { break }
        }
        return bytes
    }

    /// A file's text.
    static func text(_ path: String, limit: Int = 1 << 20) -> String? {
        bytes(path, limit: limit).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Writes into a file that is there, in one piece, as the files of cgroups want it.
    /// - Returns: 0, or an errno.
    static func write(_ text: String, to path: String) -> Int32 {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return errno }
        defer { close(file) }
        var text = text
        let count = text.withUTF8 { Glibc.write(file, $0.baseAddress, $0.count) }
        return count < 0 ? errno : 0
    }

    /// Puts a file in place, whole or not at all; what another process reads meanwhile is the old one or the new one.
    /// A loss of power may cost it.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t = 0o600) throws(HostError) {
        let draft = path + ".new"
        let file = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard file >= 0 else { throw HostError("making", draft) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let error = HostError("writing", draft)
                close(file)
                unlink(draft)
                throw error
            }
            rest = rest.dropFirst(count)
        }
        close(file)
        guard rename(draft, path) == 0 else { throw HostError("making", path) }
    }

    /// Whether anything is at `path`.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }
}
