import Dispatch
import Foundation
import Synchronization

#if canImport(CLinux)
    import CLinux
#endif

/// Gives memory back to the system after a flood: the C library keeps what was freed for the next one.
final class MemoryTrim: Sendable {
    private let queue = DispatchQueue(label: "memory-trim", qos: .utility)
    private let state = Mutex(State())

    private struct State {
        /// Resident bytes after the last trim, or the least that was seen since.
        var baseline = Int.max
    }

    /// The process has grown by this much since the last trim: a trim is worth its time.
    private static let growth = 16 << 20

    /// Looks, on a thread of its own, whether the process has grown, and gives back what is free.
    func look() {
        #if canImport(CLinux)
            queue.async { self.trimIfGrown() }
        #endif
    }

    #if canImport(CLinux)
        private func trimIfGrown() {
            guard let resident = MemoryTrim.residentBytes else { return }
            let hasGrown = state.withLock { state in
                state.baseline = min(state.baseline, resident)
                return resident - state.baseline >= MemoryTrim.growth
            }
            guard hasGrown else { return }
            malloc_trim(0)
            if let left = MemoryTrim.residentBytes { state.withLock { $0.baseline = left } }
        }

        /// The second number of `statm` counts resident pages.
        private static var residentBytes: Int? {
            guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
            let numbers = text.split(separator: " ")
            return numbers.count > 1 ? Int(numbers[1]).map { $0 * Int(getpagesize()) } : nil
        }
    #endif
}
