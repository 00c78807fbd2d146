import ContainerDriver
import ContainerProtocol
import Logging

/// Comparing what is known of a container with what its host says: a notification can be lost, an exit may not.
extension ContainerQueue {
    /// The first and the longest time between questions while someone waits for an exit.
    private static let checkDelays = (first: Duration.seconds(1), longest: Duration.seconds(30))

    /// Asks the host whether what runs still runs. An exit that is found this way comes as every other does.
    func check() {
        guard state.isLive, !isRestoring, !isChecking else { return }
        isChecking = true
        call(calls.next(), .check, .ordinary, { [id] driver throws(DriverFailure) in try driver.check(id) }) {
            queue, result in
            queue.isChecking = false
            guard case .failure(let failure) = result else { return }
            queue.services.logger.warning(
                "a container could not be checked", metadata: ["container": "\(queue.id)", "error": "\(failure)"])
            // Its handles are dead: nothing would be heard of it any more.
            if failure.code == .unavailable { queue.detach() }
        }
    }

    /// Someone waits: the host is asked soon, and then ever less often.
    func expectExit() {
        guard !isExpectingExit, state.isLive else { return }
        isExpectingExit = true
        checkLater(ContainerQueue.checkDelays.first)
    }

    private func checkLater(_ delay: Duration) {
        services.loop.schedule(after: delay) { [weak self] in
            self?.assumeIsolated { queue in
                guard queue.state.isLive, !queue.waiters.isEmpty || !queue.stoppers.isEmpty else {
                    queue.isExpectingExit = false
                    return
                }
                queue.check()
                queue.checkLater(min(delay * 2, ContainerQueue.checkDelays.longest))
            }
        }
    }
}
