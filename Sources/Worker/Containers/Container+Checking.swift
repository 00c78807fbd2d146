import ContainerDriver
import Logging

/// Comparing the state of a container with its host's: a notification can be lost, an exit must not.
extension Container {
    /// The first and the longest time between questions while a request waits for an exit.
    private static let checkDelays = (first: Duration.seconds(1), longest: Duration.seconds(30))

    /// Asks the host whether the container's processes still run. An exit that is found is reported as any other.
    func check() {
        guard state.isLive, !link.isOpening, calls.singles.insert(.check).inserted else { return }
        call(.check, .ordinary, { [id] driver throws(DriverFailure) in try driver.check(id) }) { [self] result in
            calls.singles.remove(.check)
            guard case .failure(let failure) = result else { return }
            services.logger.warning(
                "a container could not be checked", metadata: ["container": "\(id)", "error": "\(failure)"])
            // Its handles are dead: nothing would be reported of it any more.
            if failure.code == .unavailable { detach() }
        }
    }

    /// A request waits for an exit: the host is asked soon, and then ever less often.
    func expectExit() {
        guard state.isLive, calls.singles.insert(.expectation).inserted else { return }
        checkLater(Container.checkDelays.first)
    }

    private func checkLater(_ delay: Duration) {
        services.loop.schedule(after: delay) { [self] in
            guard state.isLive, !waiters.isEmpty || stop.isAwaited else {
                calls.singles.remove(.expectation)
                return
            }
            check()
            checkLater(min(delay * 2, Container.checkDelays.longest))
        }
    }
}
