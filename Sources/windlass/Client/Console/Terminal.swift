import ContainerModel
import ContainerProtocol
import Dispatch
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(ucrt)
    import ucrt
#endif

/// The terminal and the standard streams: all that is POSIX in the command line is in this file.
enum Terminal {
    /// One of the standard streams.
    enum Stream: Int32, Sendable {
        case input = 0
        case output = 1
        case error = 2
    }
}

#if canImport(Glibc)
    extension Terminal {
        static func isTerminal(_ stream: Stream) -> Bool { isatty(stream.rawValue) == 1 }

        /// How many characters the terminal has room for; nil where there is none.
        static var size: ConsoleSize? {
            var size = winsize()
            for stream in [Stream.output, .input, .error]
            where ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 && size.ws_row > 0 {
                return ConsoleSize(width: size.ws_col, height: size.ws_row)
            }
            return nil
        }

        /// Writes all of `text`, however long it takes.
        static func write(_ text: String, to stream: Stream) throws { try writeAll(Array(text.utf8), to: stream) }

        /// Both streams are written one after another: they may be one terminal.
        private static let writer = DispatchQueue(label: "standard-output")

        /// Writes all of `bytes`. A slow reader holds the writer's thread and no other; the call ends when the task is
        /// cancelled, and what it has not written comes late or never.
        static func write(_ bytes: [UInt8], to stream: Stream) async throws {
            guard !bytes.isEmpty else { return }
            let waiting = Mutex<CheckedContinuation<Void, any Error>?>(nil)
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    waiting.withLock { $0 = continuation }
                    writer.async {
                        let result = Result { try writeAll(bytes, to: stream) }
                        waiting.withLock { $0.take() }?.resume(with: result)
                    }
                    if Task.isCancelled { waiting.withLock { $0.take() }?.resume(throwing: CancellationError()) }
                }
            } onCancel: {
                waiting.withLock { $0.take() }?.resume(throwing: CancellationError())
            }
        }

        /// Writes all of `bytes`, and holds the thread until that is done.
        static func writeAll(_ bytes: [UInt8], to stream: Stream) throws {
            var rest = bytes[...]
            while !rest.isEmpty {
                if let count = try writeSome(rest, to: stream) {
                    rest = rest.dropFirst(count)
                } else {
                    var item = pollfd(fd: stream.rawValue, events: Int16(POLLOUT), revents: 0)
                    poll(&item, 1, -1)
                }
            }
        }

        /// - Returns: how many bytes were written; nil where there is no room now.
        private static func writeSome(_ bytes: ArraySlice<UInt8>, to stream: Stream) throws -> Int? {
            let count = bytes.withUnsafeBytes { Glibc.write(stream.rawValue, $0.baseAddress, $0.count) }
            if count >= 0 { return count }
            switch errno {
            case EAGAIN, EINTR: return nil
            case EPIPE: throw OutputClosed()
            default:
                throw Failure(
                    .unavailable, "cannot write to the standard stream \(stream): \(String(cString: strerror(errno)))")
            }
        }

        /// Waits for bytes of standard input; empty at its end.
        static func readInput(_ limit: Int) -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: limit)
            while true {
                let count = read(Stream.input.rawValue, &buffer, limit)
                if count > 0 { return Array(buffer.prefix(count)) }
                guard count < 0, errno == EINTR || errno == EAGAIN else { return [] }
                var item = pollfd(fd: Stream.input.rawValue, events: Int16(POLLIN), revents: 0)
                poll(&item, 1, -1)
            }
        }

        /// From now on a closed reader is an error of the write and not the end of this program.
        static func surviveClosedOutput() { signal(SIGPIPE, SIG_IGN) }

        /// Hands every key to the program as it is pressed, until it is restored.
        struct RawMode {
            private var saved: termios

            /// Nil where standard input is no terminal.
            init?() {
                saved = termios()
                guard isatty(Stream.input.rawValue) == 1, tcgetattr(Stream.input.rawValue, &saved) == 0 else {
                    return nil
                }
                var raw = saved
                cfmakeraw(&raw)
                guard tcsetattr(Stream.input.rawValue, TCSANOW, &raw) == 0 else { return nil }
            }

            /// Gives the terminal back as it was.
            func restore() {
                var saved = saved
                tcsetattr(Stream.input.rawValue, TCSANOW, &saved)
            }
        }
    }
#else
    extension Terminal {
        static func isTerminal(_ stream: Stream) -> Bool { _isatty(stream.rawValue) != 0 }

        static var size: ConsoleSize? { nil }

        static func write(_ text: String, to stream: Stream) throws {
            try handle(stream).write(contentsOf: Data(text.utf8))
        }

        static func writeAll(_ bytes: [UInt8], to stream: Stream) throws {
            try handle(stream).write(contentsOf: Data(bytes))
        }

        static func write(_ bytes: [UInt8], to stream: Stream) async throws {
            try handle(stream).write(contentsOf: Data(bytes))
        }

        private static func handle(_ stream: Stream) -> FileHandle {
            switch stream {
            case .input: .standardInput
            case .output: .standardOutput
            case .error: .standardError
            }
        }

        static func readInput(_ limit: Int) -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: limit)
            let count = _read(Stream.input.rawValue, &buffer, UInt32(limit))
            return Array(buffer.prefix(max(0, Int(count))))
        }

        static func surviveClosedOutput() {}

        /// The console's raw mode, which this program does not know on this system.
        struct RawMode {
            init?() { nil }
            func restore() {}
        }
    }
#endif
