import Glibc
import Testing

@testable import HostComputeEmulator

/// The peak of a process's memory is its own, or not told.
@Suite struct ProcessUsageTests {
    /// A short process was told to have had as much memory as the worker that made it.
    @Test func theParentsPeakIsNotTheProcesss() throws {
        var own = rusage()
        #expect(getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &own) == 0 && own.ru_maxrss > 0)
        var resources = rusage()
        resources.ru_maxrss = own.ru_maxrss
        #expect(ProcessUsage(resources).peakBytes == 0)
        // Far above whatever this process may have grown to meanwhile.
        resources.ru_maxrss = 1 << 40
        #expect(ProcessUsage(resources).peakBytes == 1 << 50)
    }

    @Test(arguments: [(100, 100, 0), (99, 100, 0), (101, 100, 101), (-1, 0, 0), (0, 0, 0)] as [(Int, Int, UInt64)])
    func onlyMoreThanTheParents(peak: Int, parent: Int, own: UInt64) {
        #expect(ProcessUsage.ownPeak(peak, parent: parent) == own)
    }
}
