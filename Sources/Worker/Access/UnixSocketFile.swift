import Foundation

/// The file of a Unix socket.
enum UnixSocketFile {
    /// Whether a program serves at `path`: libzmq would take its place without a word.
    static func isServed(_ path: String) -> Bool {
        #if os(Windows)
            return false
        #else
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let fits = withUnsafeMutableBytes(of: &address.sun_path) { buffer in
                guard path.utf8.count < buffer.count else { return false }
                buffer.copyBytes(from: path.utf8)
                return true
            }
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            guard fits, descriptor >= 0 else { return false }
            defer { close(descriptor) }
            return withUnsafePointer(to: &address) { address in
                address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
                }
            }
        #endif
    }
}
