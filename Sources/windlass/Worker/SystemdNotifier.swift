import Foundation
import Synchronization
import Worker

/// Notifies systemd, by one datagram each, as sd_notify(3) describes: without its library.
final class SystemdNotifier: Supervisor {
    #if os(Windows)
        let interval = Duration.seconds(10)

        init?() { return nil }
        func isReady() {}
        func isAlive(_ status: WorkerStatus) {}
        func isStopping(within limit: Duration) {}
    #else
        let interval: Duration
        private let socket: Int32
        private let address: [UInt8]
        private let messages: Mutex<SystemdMessages>

        /// Takes over what systemd has put into the environment, and takes it out there: it is not for processes that this
        /// one starts. Called before there are other threads.
        /// - Returns: nil where systemd has not started this process, or waits for no notice.
        init?() {
            let environment = ProcessInfo.processInfo.environment
            for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) }
            guard let path = environment["NOTIFY_SOCKET"], let address = SystemdNotifier.address(path) else {
                return nil
            }
            let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            socket = Glibc.socket(AF_UNIX, type, 0)
            guard socket >= 0 else { return nil }
            self.address = address
            let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
            let limit = isMeant ? environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0 : 0
            interval = limit > 0 ? .microseconds(max(1, limit / 2)) : SystemdMessages.pause
            messages = Mutex(SystemdMessages(isWatched: limit > 0))
        }

        deinit { close(socket) }

        /// The process serves.
        func isReady() { send("READY=1") }

        func isAlive(_ status: WorkerStatus) {
            if let message = messages.withLock({ $0.alive(status, at: .now) }) { send(message) }
        }

        func isStopping(within limit: Duration) { send(SystemdMessages.stopping(within: limit)) }

        /// A message that cannot be sent at once is lost: nothing here may wait for systemd.
        private func send(_ message: String) {
            let bytes = Array(message.utf8)
            address.withUnsafeBytes { address in
                guard let start = address.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return }
                _ = sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), start, socklen_t(address.count))
            }
        }

        /// The bytes of the socket's address; an abstract one, which begins with an `@`, with a NUL in its place.
        private static func address(_ path: String) -> [UInt8]? {
            var name = Array(path.utf8)
            guard let first = name.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), name.count < 108
            else {
                return nil
            }
            if first == UInt8(ascii: "@") { name[0] = 0 } else { name.append(0) }
            let family = UInt16(AF_UNIX)
            return withUnsafeBytes(of: family) { Array($0) } + name
        }
    #endif
}
