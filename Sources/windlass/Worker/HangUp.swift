import Dispatch
import Foundation

/// SIGHUP. From a terminal it is a request to stop; elsewhere the settings are to be read again. Windows, which has no
/// signals, has `windlass keys reload`.
struct HangUp {
    #if os(Windows)
        init(_ reload: @escaping @Sendable () -> Void) {}
        func cancel() {}
    #else
        private let source: any DispatchSourceSignal

        /// - Parameter reload: runs at a SIGHUP that is no request to stop.
        init(_ reload: @escaping @Sendable () -> Void) {
            let stops = HangUp.comesFromTerminal
            // Otherwise it would end the process; a source sees it all the same.
            signal(SIGHUP, SIG_IGN)
            source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
            source.setEventHandler { if stops { StopRequest.hangUp() } else { reload() } }
            source.activate()
        }

        func cancel() { source.cancel() }

        /// Whether this program has a terminal that can hang up, and was not started with nohup.
        private static var comesFromTerminal: Bool {
            var action = sigaction()
            guard sigaction(SIGHUP, nil, &action) == 0, action.__sigaction_handler.sa_handler == nil else {
                return false
            }
            let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
            guard terminal >= 0 else { return false }
            close(terminal)
            return true
        }
    #endif
}
