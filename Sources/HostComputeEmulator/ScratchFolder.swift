import CLinux
import Glibc

/// Folders on the host's disk.
enum ScratchFolder {
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Makes a folder and those above it; an errno when that fails.
    static func make(_ path: String) -> Int32? {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return exists(path) ? nil : ENOTDIR }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return errno }
        if let failure = make(String(path[..<slash])) { return failure }
        return mkdir(path, 0o755) == 0 || errno == EEXIST ? nil : errno
    }

    /// Removes a folder and all in it, and follows no link.
    static func remove(_ path: String) {
        // A container that wrote nothing leaves it empty.
        if rmdir(path) == 0 || errno != ENOTEMPTY { return }
        remove(path, in: AT_FDCWD)
    }

    private static func remove(_ name: String, in parent: Int32) {
        if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if descriptor >= 0 {
            empty(descriptor)
        }
        _ = linux_remove_folder(parent, name)
    }

    /// Takes the descriptor and closes it.
    private static func empty(_ descriptor: Int32) {
        guard let directory = fdopendir(descriptor) else {
            close(descriptor)
            return
        }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { remove(name, in: descriptor) }
        }
    }
}
