import ContainerProtocol
import ZeroMQ

/// Asking the host about every running container, a few at a time, again and again.
extension ContainerPool {
    /// Containers that are asked about at a time, and the time between.
    private static let stride = 50
    private static let pace = Duration.milliseconds(100)

    /// Begins a round; the next one follows when this one is through and the interval has passed.
    func keepChecking(every interval: Duration) {
        loop.schedule(after: interval) { [weak self] in
            self?.assumeIsolated { pool in pool.checkNext(of: pool.liveContainers()[...], interval) }
        }
    }

    private func checkNext(of ids: ArraySlice<ContainerID>, _ interval: Duration) {
        guard !ids.isEmpty else { return keepChecking(every: interval) }
        for id in ids.prefix(ContainerPool.stride) { queue(id)?.assumeIsolated { $0.check() } }
        let rest = ids.dropFirst(ContainerPool.stride)
        loop.schedule(after: ContainerPool.pace) { [weak self] in
            self?.assumeIsolated { $0.checkNext(of: rest, interval) }
        }
    }
}
