import Foundation

#if os(Windows)
    import CRT
    import WinSDK
#endif

/// A thread of the system, which may block. Unlike Foundation's thread it reports when the system has none to give.
public enum SystemThread {
    private final class Body: Sendable {
        let name: String
        let run: @Sendable () -> Void

        init(_ name: String, _ run: @escaping @Sendable () -> Void) {
            self.name = name
            self.run = run
        }

        /// Runs what `pointer` retains, on the thread that is meant.
        static func run(_ pointer: UnsafeMutableRawPointer?) {
            guard let pointer else { return }
            let body = Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue()
            Thread.current.name = body.name
            body.run()
        }
    }

    /// Starts a thread that runs `body` and ends with it. Every signal is blocked there, so that the program's handlers
    /// stay on its own threads.
    /// - Parameters:
    ///   - name: what debuggers show, of which Linux takes 15 bytes.
    ///   - stackSize: in bytes.
    /// - Returns: false where the system has no thread to give; `body` then never runs.
    public static func start(
        _ name: String, stackSize: Int = 512 << 10, _ body: @escaping @Sendable () -> Void
    ) -> Bool {
        let box = Unmanaged.passRetained(Body(name, body))
        let isStarted = create(stackSize, box.toOpaque())
        if !isStarted { box.release() }
        return isStarted
    }

    #if os(Windows)
        private static func create(_ stackSize: Int, _ argument: UnsafeMutableRawPointer) -> Bool {
            let handle = _beginthreadex(
                nil, UInt32(clamping: stackSize),
                { argument in
                    Body.run(argument)
                    return 0
                }, argument, 0, nil)
            guard let handle = HANDLE(bitPattern: handle) else { return false }
            CloseHandle(handle)
            return true
        }
    #else
        private static func create(_ stackSize: Int, _ argument: UnsafeMutableRawPointer) -> Bool {
            // The system's call initialises it. Swift's own initialiser is in a module that cannot be imported by name.
            withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { memory in
                guard let attributes = memory.baseAddress, pthread_attr_init(attributes) == 0 else { return false }
                defer { pthread_attr_destroy(attributes) }
                return create(attributes, stackSize, argument)
            }
        }

        private static func create(
            _ attributes: UnsafeMutablePointer<pthread_attr_t>, _ stackSize: Int, _ argument: UnsafeMutableRawPointer
        ) -> Bool {
            pthread_attr_setstacksize(attributes, stackSize)
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            // A new thread begins with the mask of the one that makes it.
            var all = sigset_t()
            var before = sigset_t()
            sigfillset(&all)
            pthread_sigmask(SIG_SETMASK, &all, &before)
            defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
            var thread = pthread_t()
            let status = pthread_create(
                &thread, attributes,
                { argument in
                    Body.run(argument)
                    return nil
                }, argument)
            return status == 0
        }
    #endif
}
