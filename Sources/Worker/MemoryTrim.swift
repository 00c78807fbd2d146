import Dispatch

#if canImport(CLinux)
    import CLinux
#endif

/// Gives memory back to the system after a flood: the C library keeps what was freed for the next one.
final class MemoryTrim: Sendable {
    private let queue = DispatchQueue(label: "memory-trim", qos: .utility)

    #if canImport(CLinux)
        // Both are used on `queue` only.
        /// The least that was free since the last trim.
        private nonisolated(unsafe) var least = Int.max
        /// When to look again: it takes longer the more there is, and nothing is allocated meanwhile.
        private nonisolated(unsafe) var next = ContinuousClock.now

        /// The pause after a look, as a multiple of the time that it took, and at most.
        private static let pause = 1000
        private static let longestPause = Duration.seconds(60)

        /// So much must have been freed since the last trim for another one to be worth its time.
        private static let worthwhile = 16 << 20
    #endif

    /// Looks, on a thread of its own, how much was freed since the last trim, and gives it back where it is much.
    func look() {
        #if canImport(CLinux)
            queue.async { [self] in
                let begun = ContinuousClock.now
                guard begun >= next else { return }
                let free = Int(clamping: mallinfo2().fordblks)
                next = .now + min((.now - begun) * MemoryTrim.pause, MemoryTrim.longestPause)
                least = min(least, free)
                guard free - least >= MemoryTrim.worthwhile else { return }
                malloc_trim(0)
                least = free
            }
        #endif
    }
}
