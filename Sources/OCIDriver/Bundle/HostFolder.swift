/// A host folder that containers may mount, with everything below it.
public struct HostFolder: Sendable, Equatable {
    /// An absolute path.
    public var path: String
    /// Whether it may be mounted read-only only.
    public var isReadOnly: Bool

    /// Reads `PATH` or `PATH:ro`; nil where the path is not absolute.
    public init?(_ text: String) {
        let isReadOnly = text.hasSuffix(":ro")
        let path = isReadOnly ? String(text.dropLast(3)) : text
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
        self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        self.isReadOnly = isReadOnly
    }

    /// The text that it is read from.
    public var text: String { isReadOnly ? path + ":ro" : path }

    /// Whether `path`, without symbolic links in it, is in this folder.
    func holds(_ path: String) -> Bool { path == self.path || path.hasPrefix(self.path == "/" ? "/" : self.path + "/") }
}
