import Foundation

/// Where a worker keeps what must survive it: files that only its own user may read, whatever the umask is.
///
/// On Windows a file has the rights of the folder that it is made in.
enum StateDirectory {
    /// What a file is opened for.
    enum Purpose {
        case reading
        /// It is made where it is missing, and emptied where it is not.
        case writingAnew
        case appending
        /// What is there is replaced, byte for byte.
        case overwriting
    }

    /// Makes the directory; of one that is there, all rights of others are taken away.
    /// - Throws: ``Worker/StartFailure`` where that cannot be done.
    static func prepare(_ path: String) throws {
        do {
            try makeFolder(path)
            try tighten(path, 0o700)
        } catch {
            throw Worker.StartFailure(
                description:
                    "the state directory \(path) cannot be made the worker's own (\(error.localizedDescription)); give it "
                    + "to the user that runs the worker, or choose another with --state-dir")
        }
    }

    /// Makes a folder, and those above it.
    static func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    /// Takes away what others may do with a file or a folder; one that is missing is left at that.
    static func tighten(_ path: String, _ mode: Int) throws {
        #if !os(Windows)
            guard let found = try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int,
                found & 0o777 != mode
            else { return }
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        #endif
    }

    /// Opens a file.
    /// - Returns: nil on failure; `errno` is the reason.
    static func openFile(_ path: String, for purpose: Purpose) -> UnsafeMutablePointer<FILE>? {
        let mode =
            switch purpose {
            case .reading: "rb"
            case .writingAnew: "wb"
            case .appending: "ab"
            case .overwriting: "r+b"
            }
        #if os(Windows)
            return fopen(path, mode)
        #else
            let flags =
                switch purpose {
                case .reading: O_RDONLY
                case .writingAnew: O_WRONLY | O_CREAT | O_TRUNC
                case .appending: O_WRONLY | O_APPEND
                case .overwriting: O_RDWR
                }
            let descriptor = open(path, flags | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else { return nil }
            guard let file = fdopen(descriptor, mode) else {
                close(descriptor)
                return nil
            }
            return file
        #endif
    }

    /// Makes an empty file where there is none.
    static func makeFile(_ path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        try write([], to: path, for: .writingAnew)
    }

    /// Writes bytes in one piece.
    /// - Throws: ``FileTrouble`` where not all of them could be written.
    static func write(_ bytes: [UInt8], to path: String, for purpose: Purpose) throws(FileTrouble) {
        guard let file = openFile(path, for: purpose) else { throw FileTrouble(path) }
        setvbuf(file, nil, _IONBF, 0)
        let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
        let trouble = FileTrouble(path)
        guard fclose(file) == 0 else { throw isWritten ? FileTrouble(path) : trouble }
        guard isWritten else { throw trouble }
    }

    /// Everything in a file; nil where there is none.
    static func read(_ path: String) throws(FileTrouble) -> [UInt8]? {
        guard let file = openFile(path, for: .reading) else {
            let trouble = FileTrouble(path)
            if trouble.code == ENOENT { return nil }
            throw trouble
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while true {
            let piece = [UInt8](unsafeUninitializedCapacity: 1 << 18) { buffer, count in
                count = fread(buffer.baseAddress, 1, buffer.count, file)
            }
            bytes += piece
            guard !piece.isEmpty else { break }
        }
        guard ferror(file) == 0 else { throw FileTrouble(path) }
        return bytes
    }
}
