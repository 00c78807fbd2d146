import Dispatch
import Synchronization
import Testing
import Threads

/// Threads of the system's.
struct ThreadsTests {
    @Test func aThreadRunsItsBody() {
        let done = DispatchSemaphore(value: 0)
        #expect(SystemThread.start("test") { done.signal() })
        done.wait()
    }

    @Test func aThreadThatCannotBeMadeIsReported() {
        #expect(!SystemThread.start("test", stackSize: 1 << 50) {})
    }

    @Test func workRunsInOrderAndToItsEnd() {
        let seen = Mutex<[Int]>([])
        let done = DispatchSemaphore(value: 0)
        var thread = WorkThread("test")
        for number in 0..<1000 { thread?.run { seen.withLock { $0.append(number) } } }
        thread?.run { done.signal() }
        thread = nil
        done.wait()
        #expect(seen.withLock { $0 } == Array(0..<1000))
    }

    @Test func aStopThatTakesTooLongIsGivenUp() {
        let given = DispatchSemaphore(value: 0)
        let stopGuard = StopGuard(limit: { .milliseconds(1) }, giveUp: { _ in given.signal() })
        stopGuard?.begin()
        given.wait()
    }
}
