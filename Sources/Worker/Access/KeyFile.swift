import Foundation

/// A file with a key, read with the care that sshd takes: what others may change proves nothing, and what others may read is
/// no secret.
package enum KeyFile {
    /// What is in a file.
    package enum Content: Sendable {
        /// Others may read it, and none but its owner may write it.
        case publicKey
        /// Only its owner may read it.
        case secretKey
    }

    /// Why a file cannot be used: one sentence without a subject.
    package struct Trouble: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The longest file that is read: no certificate has more bytes.
    private static let longest = 64 * 1024

    /// Reads a file. On Windows nothing is checked: files have the rights of their folder there.
    package static func read(_ path: String, _ content: Content) throws(Trouble) -> String {
        #if os(Windows)
            guard let file = fopen(path, "rb") else { throw trouble(path) }
        #else
            // Without O_NONBLOCK a pipe in the place of the file would stop the reader.
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { throw trouble(path) }
            guard let file = fdopen(descriptor, "rb") else {
                close(descriptor)
                throw trouble(path)
            }
        #endif
        defer { fclose(file) }
        #if !os(Windows)
            var status = stat()
            guard fstat(fileno(file), &status) == 0 else { throw trouble(path) }
            guard status.st_mode & S_IFMT == S_IFREG else { throw Trouble(description: "it is no regular file") }
            try check(status, path, content)
        #endif
        let bytes = [UInt8](unsafeUninitializedCapacity: longest + 1) { buffer, count in
            count = fread(buffer.baseAddress, 1, buffer.count, file)
        }
        guard ferror(file) == 0 else { throw trouble(path) }
        guard bytes.count <= longest else { throw Trouble(description: "it has more than \(longest) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Trouble(description: "it is not UTF-8") }
        return text
    }

    private static func trouble(_ path: String) -> Trouble {
        Trouble(description: "it cannot be read: \(FileTrouble(path))")
    }

    #if !os(Windows)
        /// Throws where somebody else than the user or root owns a file or directory, or may write or read what only they may.
        static func check(_ status: stat, _ path: String, _ content: Content) throws(Trouble) {
            guard status.st_uid == geteuid() || status.st_uid == 0 else {
                throw Trouble(
                    description: "it belongs to user \(status.st_uid): it must be root's or the worker's own (chown)")
            }
            let mode = status.st_mode & 0o777
            switch content {
            case .secretKey where mode & 0o077 != 0:
                throw Trouble(
                    description:
                        "others may use it (its permissions are \(FileMode(UInt16(mode)))): run `chmod 600 \(path)`")
            case .publicKey where mode & 0o022 != 0:
                throw Trouble(
                    description:
                        "others may write it (its permissions are \(FileMode(UInt16(mode)))): run `chmod go-w \(path)`")
            default: break
            }
        }
    #endif

    /// Throws where somebody else than the user or root could put another file in the place of `path`: every folder on the
    /// way to it must be theirs, and writable for no other user. A folder such as `/tmp`, where each may remove only what is
    /// their own, is safe too. On Windows nothing is checked.
    static func checkFolders(of path: String) throws(Trouble) {
        #if !os(Windows)
            guard let real = realpath(path, nil) else { throw trouble(path) }
            defer { free(real) }
            var folder = String(cString: real)
            while let end = folder.lastIndex(of: "/"), folder != "/" {
                folder = end == folder.startIndex ? "/" : String(folder[..<end])
                var status = stat()
                guard stat(folder, &status) == 0 else { throw trouble(folder) }
                guard status.st_uid == geteuid() || status.st_uid == 0 else {
                    throw Trouble(
                        description:
                            "the folder \(folder) on the way to it belongs to user \(status.st_uid): it must be "
                            + "root's or the worker's own (chown)")
                }
                guard status.st_mode & 0o022 == 0 || status.st_mode & UInt32(S_ISVTX) != 0 else {
                    throw Trouble(
                        description:
                            "others may write the folder \(folder) on the way to it: run `chmod go-w \(folder)`")
                }
            }
        #endif
    }

    /// Writes a new file in one step: a reader sees the whole file or none.
    /// - Parameter mayReplace: whether a file that is there is replaced.
    package static func write(_ text: String, to path: String, _ content: Content, mayReplace: Bool) throws(Trouble) {
        let new = path + ".\(UInt32.random(in: .min ... .max)).new"
        #if os(Windows)
            guard let file = fopen(new, "wb") else { throw trouble(new) }
        #else
            let descriptor = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, content == .secretKey ? 0o600 : 0o644)
            guard descriptor >= 0, let file = fdopen(descriptor, "wb") else {
                throw Trouble(description: "\(path) cannot be written: \(FileTrouble(new))")
            }
            if content == .publicKey { fchmod(descriptor, 0o644) }
        #endif
        let bytes = Array(text.utf8)
        let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
        guard fclose(file) == 0, isWritten else {
            remove(new)
            throw Trouble(description: "\(path) cannot be written: \(FileTrouble(new))")
        }
        #if !os(Windows)
            // A link fails where the name is taken, which a rename does not.
            if !mayReplace {
                let failure = link(new, path) == 0 ? nil : FileTrouble(path)
                remove(new)
                guard let failure else { return }
                throw Trouble(
                    description: failure.code == EEXIST
                        ? "\(path) is there already; remove it first, or choose another name"
                        : "\(path) cannot be written: \(failure)")
            }
        #else
            if !mayReplace, FileManager.default.fileExists(atPath: path) {
                remove(new)
                throw Trouble(description: "\(path) is there already; remove it first, or choose another name")
            }
            if mayReplace { remove(path) }
        #endif
        guard rename(new, path) == 0 else {
            remove(new)
            throw Trouble(description: "\(path) cannot be written: \(FileTrouble(path))")
        }
    }
}
