import Dispatch
import Synchronization

/// State under a lock, whose changes others can wait for.
final class Watched<State: Sendable>: Sendable {
    private struct Box {
        var state: State
        var waiting: [DispatchSemaphore] = []
    }

    private let box: Mutex<Box>

    init(_ state: State) { box = Mutex(Box(state: state)) }

    /// Reads or changes the state.
    func withLock<Result>(_ body: (inout State) throws -> Result) rethrows -> Result {
        let (result, waiting) = try box.withLock { box in
            let result = try body(&box.state)
            defer { box.waiting = [] }
            return (result, box.waiting)
        }
        for semaphore in waiting { semaphore.signal() }
        return result
    }

    /// Waits until `look` finds something.
    /// - Returns: nil where it does not within so many milliseconds.
    func wait<Found>(milliseconds: Int, _ look: (State) -> Found?) -> Found? {
        let deadline = DispatchTime.now() + .milliseconds(milliseconds)
        while true {
            let semaphore = DispatchSemaphore(value: 0)
            let found = box.withLock { box in
                let found = look(box.state)
                if found == nil { box.waiting.append(semaphore) }
                return found
            }
            if let found { return found }
            guard semaphore.wait(timeout: deadline) == .success else { return nil }
        }
    }
}
