import Glibc

/// Folders of the host.
enum FolderTree {
    /// Makes a folder and those above it.
    static func make(_ path: String, mode: mode_t = 0o700) throws(HostError) {
        if mkdir(path, mode) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let parent = parent(of: path) else { throw HostError("making the folder", path) }
        try make(parent, mode: mode)
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw HostError("making the folder", path) }
    }

    static func parent(of path: String) -> String? {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return nil }
        return String(path[..<slash])
    }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, without the two that every folder has; empty where it cannot be read.
    static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a folder with everything in it. It follows no symbolic link, and stops at whatever is mounted there.
    /// - Returns: whether nothing is left.
    @discardableResult static func remove(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT }
        if remove(path, device: status.st_dev, depth: 0) { return true }
        // Folders that are nested deeper than a path may be long.
        _ = HostProgram.run(["/bin/rm", "-rf", "--one-file-system", "--", path], milliseconds: 60_000)
        return !HostFile.exists(path)
    }

    private static func remove(_ path: String, device: dev_t, depth: Int) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT }
        guard status.st_mode & S_IFMT == S_IFDIR else { return unlink(path) == 0 || errno == ENOENT }
        guard status.st_dev == device, depth < 1024 else { return false }
        var isEmpty = true
        for name in names(path) where !remove(path + "/" + name, device: device, depth: depth + 1) { isEmpty = false }
        return isEmpty && (rmdir(path) == 0 || errno == ENOENT)
    }

    /// A path without symbolic links in it; nil where it names nothing.
    static func resolve(_ path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}
