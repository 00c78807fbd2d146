import ContainerModel
import Logging

/// What is counted and logged of a container's life.
extension Container {
    /// The first process has been started, or has ended.
    func noteLife(_ kind: Event.Kind, _ pid: UInt32?, _ exit: Exit?) {
        switch kind {
        case .start:
            services.logger.info("container started", metadata: ["container": "\(id)", "pid": "\(pid ?? 0)"])
        case .exit:
            guard let exit else { return }
            services.pool.figures.ended(exit)
            var metadata: Logger.Metadata = [
                "container": "\(id)", "reason": "\(exit.reason.rawValue)", "observed_by": "\(exit.observedBy.rawValue)",
                "code": exit.known ? "\(exit.code)" : "unknown",
            ]
            if let started = facts.startedAt {
                let nanoseconds = Int64(exit.at.nanoseconds) - Int64(started.nanoseconds)
                let duration = (exit.at.seconds - started.seconds) * 1000 + nanoseconds / 1_000_000
                metadata["duration_ms"] = "\(max(0, duration))"
            }
            services.logger.info("container exited", metadata: metadata)
        default: break
        }
    }
}
