import Dispatch
import Synchronization
import Testing

@testable import Worker

/// The threads that driver calls block.
struct BlockingPoolTests {
    @Test func workBeyondTheLimitWaitsAndRunsInOrder() {
        let pool = BlockingPool(limit: 1, stuckLimit: 0)
        let gate = DispatchSemaphore(value: 0)
        let done = DispatchSemaphore(value: 0)
        let seen = Mutex<[Int]>([])
        pool.run { gate.wait() }
        for number in 0..<100 {
            pool.run {
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
        pool.run { gate.wait() }
        pool.run { done.signal() }
        pool.noteStuck(true)
        // Only the thread in place of the stuck one can have run it.
        done.wait()
        #expect(pool.stuckCalls == 1)
        gate.signal()
        pool.noteStuck(false)
        pool.run { done.signal() }
        done.wait()
        pool.stop()
    }
}
