import ContainerDriver
import Logging

/// Compares the containers with what the host has, again and again: those that run by a question for each, a few at a
/// time, because only so an exit is found; those that wait to be started by one list of all. On the loop only.
final class HostCheck {
    private let services: HostServices
    /// Whether the host is being asked for its list: one that hangs over it is not asked again.
    private var isListing = false
    /// When the host may be asked for its list again.
    private var nextList: ContinuousClock.Instant

    /// A list of many containers is work for the host: it is asked for this many times less often than it takes.
    private static let listPause = 100
    /// Containers that are asked about at a time, and the time between.
    private static let stride = 50
    private static let pace = Duration.milliseconds(100)

    init(_ services: HostServices) {
        self.services = services
        nextList = services.loop.now
    }

    /// Begins a round after the configured interval; the next one follows when it is through.
    func start() {
        services.loop.schedule(after: services.configuration.times.checkInterval) {
            self.lookForMissing()
            self.check(after: nil)
        }
    }

    private func lookForMissing() {
        let begun = services.loop.now
        guard !isListing, begun >= nextList else { return }
        isListing = true
        let driver = services.driver
        services.calls.make(.list) { () throws(DriverFailure) in
            try driver.missingUnstarted()
        } then: { [self] result in
            isListing = false
            let now = services.loop.now
            nextList = now + (now - begun) * HostCheck.listPause
            switch result {
            case .success(let missing):
                services.pool.visit(missing[...]) { $0.enter { $0.openIfUnstarted() } }
            case .failure(let failure):
                services.logger.warning(
                    "the host cannot list its containers", metadata: ["error": "\(failure)"])
            }
        }
    }

    private func check(after id: String?) {
        var left = HostCheck.stride
        let next = services.pool.walk(after: id) { container in
            guard left > 0 else { return false }
            let isAsked = container.enter { container in
                container.check()
                return container.state.isLive
            }
            if isAsked { left -= 1 }
            return true
        }
        guard let next else { return start() }
        services.loop.schedule(after: HostCheck.pace) { self.check(after: next) }
    }
}
