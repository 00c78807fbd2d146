import CHostCompute
import Foundation
import Synchronization
import Threads

/// A request to stop: a signal, or on Windows, which has none, an event of the console or a control of the service.
struct StopRequest: Sendable {
    /// The origin of the request, in words for the log.
    let source: String
    /// The exit code of a program that ends at once, after a second request or a stop that takes too long.
    let exitCode: Int32

    private init(_ reason: hc_stop_reason) {
        #if os(Windows)
            // STATUS_CONTROL_C_EXIT, the code of a program that a console event has ended.
            exitCode = Int32(bitPattern: 0xC000_013A)
            let interrupt = "Ctrl+C"
        #else
            exitCode = 128 + (reason == HC_STOP_INTERRUPT ? SIGINT : SIGTERM)
            let interrupt = "SIGINT"
        #endif
        source =
            switch reason {
            case HC_STOP_INTERRUPT: interrupt
            case HC_STOP_BREAK: "Ctrl+Break"
            case HC_STOP_CLOSE: "the console is being closed"
            case HC_STOP_SHUTDOWN: "the system shuts down"
            case HC_STOP_SERVICE: "the service is to stop"
            case HC_STOP_TERMINATE: "SIGTERM"
            default: "request \(reason.rawValue)"
            }
    }

    #if !os(Windows)
        private init(hangUp: Void) {
            (source, exitCode) = ("SIGHUP of the terminal", 128 + SIGHUP)
        }

        /// The terminal that this program was started from has gone.
        static func hangUp() { take(StopRequest(hangUp: ())) }
    #endif

    private static let (stream, continuation) = AsyncStream.makeStream(of: StopRequest.self)
    /// How long a stop may take. After that the program ends at once, even if something hangs.
    static let limit = Mutex(Duration.seconds(30))
    private static let first = Mutex<StopRequest?>(nil)
    private static let stopGuard = StopGuard(limit: { limit.withLock { $0 } }, giveUp: StopRequest.giveUp)

    /// Every request from now on. Called once in a program, and early: a service must answer within half a minute of
    /// its start.
    static func listen() throws -> AsyncStream<StopRequest> {
        guard stopGuard != nil else {
            throw ConfigurationError("the system gives no threads; raise ulimit -u or ulimit -v")
        }
        var source = HC_STOP_BY_SIGNALS
        let error = hc_stop_listen({ StopRequest.take(StopRequest($0)) }, &source)
        guard error == 0 else { throw ConfigurationError("requests to stop cannot be received: error \(error)") }
        return stream
    }

    private static func take(_ request: StopRequest) {
        first.withLock { $0 = $0 ?? request }
        // First of all, because what follows needs a thread of the system's pools and may wait for one without end.
        stopGuard?.begin()
        continuation.yield(request)
    }

    private static func giveUp(_ limit: Duration) {
        let message = "windlass: the stop has taken longer than \(limit); ending at once\n"
        try? FileHandle.standardError.write(contentsOf: Data(message.utf8))
        let code = first.withLock { $0?.exitCode } ?? 1
        hc_stop_finished(UInt32(bitPattern: code))
        // Without the handlers that run at a program's end, because one of them may hang too.
        _Exit(code)
    }

    /// Ends the program, and reports its end to the Service Control Manager if that started it.
    static func exit(_ code: Int32) -> Never {
        LogSink.shared.flush()
        hc_stop_finished(UInt32(bitPattern: code))
        Foundation.exit(code)
    }
}
