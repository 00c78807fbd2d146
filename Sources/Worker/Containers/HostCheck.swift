import ContainerProtocol

/// Asks the host about every running container, a few at a time, again and again. On the loop only.
final class HostCheck {
    private let services: HostServices

    /// Containers that are asked about at a time, and the time between.
    private static let stride = 50
    private static let pace = Duration.milliseconds(100)

    init(_ services: HostServices) { self.services = services }

    /// Begins a round after the configured interval; the next one follows when it is through.
    func start() {
        services.loop.schedule(after: services.configuration.times.checkInterval) { self.check(after: nil) }
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
