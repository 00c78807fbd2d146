import Dispatch
import Foundation

/// SIGHUP: the keys are to be read again. Windows, which has no signals, has `windlass keys reload`.
struct ReloadSignal {
    #if os(Windows)
        init(_ reload: @escaping @Sendable () -> Void) {}
        func cancel() {}
    #else
        private let source: any DispatchSourceSignal

        /// Has `reload` run at every SIGHUP, from now on.
        init(_ reload: @escaping @Sendable () -> Void) {
            // Otherwise it would end the process; a source sees it all the same.
            signal(SIGHUP, SIG_IGN)
            source = DispatchSource.makeSignalSource(signal: SIGHUP, queue: .global())
            source.setEventHandler(handler: reload)
            source.activate()
        }

        func cancel() { source.cancel() }
    #endif
}
