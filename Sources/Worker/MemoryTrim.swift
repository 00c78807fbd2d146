import Dispatch

#if canImport(CLinux)
    import CLinux
#endif

/// Gives memory back to the system after a flood: the C library keeps what was freed for the next one.
final class MemoryTrim: Sendable {
    private let queue = DispatchQueue(label: "memory-trim", qos: .utility)

    #if canImport(CLinux)
        /// The least that was free since the last trim. Used on `queue` only.
        private nonisolated(unsafe) var least = Int.max

        /// So much must have been freed since the last trim for another one to be worth its time.
        private static let worthwhile = 16 << 20
    #endif

    /// Looks, on a thread of its own, how much was freed since the last trim, and gives it back where it is much.
    func look() {
        #if canImport(CLinux)
            queue.async { [self] in
                let free = Int(clamping: mallinfo2().fordblks)
                least = min(least, free)
                guard free - least >= MemoryTrim.worthwhile else { return }
                malloc_trim(0)
                least = free
            }
        #endif
    }
}
