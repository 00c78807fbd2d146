import Glibc

/// The address of a Unix socket.
struct UnixAddress {
    private var address = sockaddr_un()

    /// Nil for a path that is too long for an address, or empty.
    init?(_ path: String) {
        let bytes = Array(path.utf8)
        let isShort = withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            // One stays for the NUL at the end.
            guard !bytes.isEmpty, bytes.count < buffer.count, !bytes.contains(0) else { return false }
            buffer.copyBytes(from: bytes)
            return true
        }
        guard isShort else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
    }

    mutating func bind(_ descriptor: Int32) -> Bool {
        withPointer { Glibc.bind(descriptor, $0, $1) } == 0
    }

    mutating func connect(_ descriptor: Int32) -> Bool {
        withPointer { Glibc.connect(descriptor, $0, $1) } == 0
    }

    private mutating func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func failure(_ path: String) -> ConfigurationFailure {
        ConfigurationFailure(description: "'\(path)' cannot be a socket's path: it must have 1 to 107 bytes")
    }
}
