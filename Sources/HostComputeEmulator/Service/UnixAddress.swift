import CLinux
import Glibc

/// The address of a Unix socket. It has room for 107 bytes; a longer path is reached through its folder, which is kept
/// open as long as the address is in use.
final class UnixAddress {
    private var address = sockaddr_un()
    private var folder = FileDescriptor.none

    /// Nil for a path that can name no socket; errno is the reason if its folder cannot be opened.
    init?(_ path: String) {
        address.sun_family = sa_family_t(AF_UNIX)
        guard !path.isEmpty, !path.utf8.contains(0) else { return nil }
        if set(path) { return }
        guard let slash = path.lastIndex(of: "/") else { return nil }
        folder = FileDescriptor.open(String(path[...slash]), linux_path_only)
        guard folder >= 0, set("/proc/self/fd/\(folder)\(path[slash...])") else { return nil }
    }

    deinit { FileDescriptor.close(folder) }

    /// False for a path that is too long.
    private func set(_ path: String) -> Bool {
        withUnsafeMutableBytes(of: &address.sun_path) { buffer in
            // One stays for the NUL at the end.
            guard path.utf8.count < buffer.count else { return false }
            buffer.copyBytes(from: path.utf8)
            return true
        }
    }

    func bind(_ descriptor: Int32) -> Bool {
        withPointer { Glibc.bind(descriptor, $0, $1) } == 0
    }

    func connect(_ descriptor: Int32) -> Bool {
        withPointer { Glibc.connect(descriptor, $0, $1) } == 0
    }

    private func withPointer(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    static func failure(_ path: String) -> ConfigurationFailure {
        ConfigurationFailure(
            description: "'\(path)' cannot be a socket's path: its folder must be there, and its name be short")
    }
}
