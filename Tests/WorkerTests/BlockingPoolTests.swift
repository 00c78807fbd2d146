import Dispatch
import Synchronization
import Testing
import Threads

@testable import Worker

/// The threads that driver calls block.
struct BlockingPoolTests {
    @Test func workBeyondTheLimitWaitsAndRunsInOrder() {
        let pool = BlockingPool(limit: 1, stuckLimit: 0)
        let gate = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        let seen = Mutex<[Int]>([])
        _ = pool.run { gate.wait() }
        for number in 0..<100 {
            _ = pool.run {
                seen.withLock { $0.append(number) }
                if number == 99 { done.signal() }
            }
        }
        #expect(seen.withLock { $0.isEmpty })
        gate.signal()
        done.wait()
        #expect(seen.withLock { $0 } == Array(0..<100))
        pool.stop()
    }

    @Test func aStuckCallGivesItsPlaceAway() {
        let pool = BlockingPool(limit: 1, stuckLimit: 1)
        let gate = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        _ = pool.run { gate.wait() }
        _ = pool.run { done.signal() }
        pool.noteStuck(true)
        // Only the thread in place of the stuck one can have run it.
        done.wait()
        #expect(pool.stuckCalls == 1)
        gate.signal()
        pool.noteStuck(false)
        _ = pool.run { done.signal() }
        done.wait()
        pool.stop()
    }

    /// A system that has threads to give until it is told to give none.
    private final class Threads: Sendable {
        let areLeft = Atomic(true)

        func pool(limit: Int) -> BlockingPool {
            BlockingPool(limit: limit, stuckLimit: 8) { [self] body in
                areLeft.load(ordering: .sequentiallyConsistent) && SystemThread.start("test", body)
            }
        }
    }

    @Test func aCallThatGetsNoThreadWaitsForOneThatIsThere() {
        let threads = Threads()
        let pool = threads.pool(limit: 8)
        let gate = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        #expect(pool.run { gate.wait() })
        threads.areLeft.store(false, ordering: .sequentiallyConsistent)
        #expect(pool.run { done.signal() })
        gate.signal()
        done.wait()
        pool.stop()
    }

    @Test func aCallFailsWhereNoThreadIsThereAndNoneCanBeMade() {
        let threads = Threads()
        threads.areLeft.store(false, ordering: .sequentiallyConsistent)
        let pool = threads.pool(limit: 8)
        #expect(!pool.run {})
        // As soon as there are threads again, there are calls.
        threads.areLeft.store(true, ordering: .sequentiallyConsistent)
        let done = DispatchSemaphore(value: 0)
        #expect(pool.run { done.signal() })
        done.wait()
        pool.stop()
    }

    @Test func aCallFailsWhereEveryThreadHangsAndNoneCanBeMade() {
        let threads = Threads()
        let pool = threads.pool(limit: 8)
        let gate = DispatchSemaphore(value: 0)
        let begun = DispatchSemaphore(value: 0)
        #expect(
            pool.run {
                begun.signal()
                gate.wait()
            })
        begun.wait()
        threads.areLeft.store(false, ordering: .sequentiallyConsistent)
        pool.noteStuck(true)
        #expect(!pool.run {})
        gate.signal()
        pool.noteStuck(false)
        pool.stop()
    }
}
