import Dispatch

#if canImport(CLinux)
    import CLinux
#endif

/// Gives memory back to the system after a flood: the C library keeps what was freed for the next one.
enum MemoryTrim {
    private static let queue = DispatchQueue(label: "memory-trim", qos: .utility)

    /// Gives back what is free, on a thread of its own.
    static func start() {
        #if canImport(CLinux)
            queue.async { malloc_trim(0) }
        #endif
    }
}
