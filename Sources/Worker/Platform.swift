/// What `version` says of the machine; the names are Go's, which the field uses.
enum Platform {
    static var system: String {
        #if os(Windows)
            "windows"
        #elseif os(Linux)
            "linux"
        #else
            "unknown"
        #endif
    }

    static var architecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #else
            "unknown"
        #endif
    }
}

/// The version of this program.
public enum WindlassVersion {
    /// By semantic versioning.
    public static let current = "0.1.0"
}
