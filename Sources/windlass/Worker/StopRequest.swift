import CHostCompute
import Foundation
import UnixSignals

/// A request to stop: a signal, or on Windows, which has none, an event of the console or a control of the service.
struct StopRequest: Sendable {
    /// Who asks, in words.
    let source: String
    /// The exit code of a program that is asked for the second time, and ends at once.
    let exitCode: Int32

    private init(_ signal: UnixSignal) {
        source = "\(signal)"
        exitCode = 128 + signal.rawValue
    }

    private init(_ reason: hc_stop_reason) {
        source =
            switch reason {
            case HC_STOP_INTERRUPT: "Ctrl+C"
            case HC_STOP_BREAK: "Ctrl+Break"
            case HC_STOP_CLOSE: "the console is being closed"
            case HC_STOP_SHUTDOWN: "the system shuts down"
            case HC_STOP_SERVICE: "the service is to stop"
            default: "request \(reason.rawValue)"
            }
        // What Windows leaves of a program that a console event has ended: STATUS_CONTROL_C_EXIT.
        exitCode = Int32(bitPattern: 0xC000_013A)
    }

    private static let (stream, continuation) = AsyncStream.makeStream(of: StopRequest.self)

    /// Every request from now on; once in a program. Early, because a service has to answer half a minute after its start.
    static func listen() async throws -> AsyncStream<StopRequest> {
        var source = HC_STOP_BY_SIGNALS
        let error = hc_stop_listen({ StopRequest.continuation.yield(StopRequest($0)) }, &source)
        guard error == 0 else { throw ConfigurationError("requests to stop cannot be heard: error \(error)") }
        if source == HC_STOP_BY_SIGNALS {
            let signals = await UnixSignalsSequence(trapping: [.sigterm, .sigint])
            Task { for await signal in signals { continuation.yield(StopRequest(signal)) } }
        }
        return stream
    }

    /// Ends the program, and tells whoever asked for it.
    static func exit(_ code: Int32) -> Never {
        LogSink.shared.flush()
        hc_stop_finished(UInt32(bitPattern: code))
        Foundation.exit(code)
    }
}
