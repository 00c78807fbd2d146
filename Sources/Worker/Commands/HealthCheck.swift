import ContainerDriver
import ContainerModel

/// One line of `health`. Every figure in it is kept, not computed.
struct HealthCheck {
    let name: String
    let isOK: Bool
    let message: String

    init(_ name: String, _ isOK: Bool, _ message: String) {
        self.name = name
        self.isOK = isOK
        self.message = message
    }

    /// The state of the host.
    static func all(
        _ services: HostServices, _ traffic: (waiting: Int, counters: CommandSocket.Counters),
        _ access: (isOK: Bool, message: String)?
    ) -> [HealthCheck] {
        let (pool, limits) = (services.pool, services.configuration.limits)
        return [
            journal(services.outbox.trouble, services.outbox.damage), output(services.spools?.trouble),
            restore(pool.opening.count + pool.recovering),
            orphans(pool.orphans),
            driver(services.driver.name, pool.stuck, limits.driverCalls, services.footing?.troubles[.driver]),
            HealthCheck(
                "draining", !pool.isDraining,
                pool.isDraining ? "the host drains and takes no new container" : "new containers are taken"),
            HealthCheck(
                "containers", pool.count < limits.containers,
                "\(pool.count) of at most \(limits.containers) containers"),
            requests(traffic, limits.requests),
        ] + footing(services.footing) + (access.map { [HealthCheck("keys", $0.isOK, $0.message)] } ?? [])
    }

    /// A commit that lasts longer than this does not come back.
    private static let longestCommit = Duration.seconds(60)

    /// That there is an answer shows that the loop turns; a journal that hangs stops everything else for good.
    /// - Parameter commit: how long the journal has been in one commit; nil where it is in none.
    static func loop(_ commit: Duration?) -> HealthCheck {
        guard let commit, commit > longestCommit else { return HealthCheck("loop", true, "the worker does its work") }
        return HealthCheck(
            "loop", false,
            "one commit of the journal has not come back for \(commit.components.seconds) s: see to its disk")
    }

    /// Damage keeps nothing new from being kept: it is reported, and the host stays ready.
    private static func journal(_ trouble: String?, _ damage: String?) -> HealthCheck {
        HealthCheck(
            "journal", trouble == nil,
            trouble.map { "nothing can be kept: \($0)" } ?? damage.map { "events and records are kept, but \($0)" }
                ?? "events and records are kept")
    }

    private static func output(_ trouble: String?) -> HealthCheck {
        HealthCheck("output", trouble == nil, trouble ?? "all output is kept")
    }

    private static func restore(_ count: Int) -> HealthCheck {
        HealthCheck(
            "restore", count == 0,
            count == 0 ? "every container has been found again" : "\(count) containers are still being looked for")
    }

    private static func orphans(_ orphans: Set<ContainerID>) -> HealthCheck {
        guard let first = orphans.first else {
            return HealthCheck("orphans", true, "the host has no container of this worker's own without a record")
        }
        return HealthCheck(
            "orphans", true,
            "\(orphans.count) containers of this worker's own have no record, such as \(first): `restore` takes one up")
    }

    /// What the worker stands on, besides the driver.
    private static func footing(_ footing: Footing?) -> [HealthCheck] {
        guard let footing else { return [] }
        let good: [(Footing.Part, String)] = [
            (.stateDirectory, "the state directory is there and can be written to"),
            (.descriptors, "file descriptors are free"), (.sockets, "the files of all ipc:// endpoints are there"),
        ]
        return good.map { part, message in
            let trouble = footing.troubles[part]
            return HealthCheck(part.rawValue, trouble == nil, trouble?.message ?? message)
        }
    }

    private static func driver(
        _ name: String, _ stuck: Set<ContainerID>, _ calls: Int, _ trouble: Footing.Trouble?
    ) -> HealthCheck {
        if let trouble { return HealthCheck("driver", false, trouble.message) }
        return HealthCheck(
            "driver", stuck.count < max(1, calls / 2),
            stuck.first.map { "calls are stuck in \(stuck.count) containers, such as \($0)" }
                ?? "\(name) has no stuck call")
    }

    private static func requests(
        _ traffic: (waiting: Int, counters: CommandSocket.Counters), _ limit: Int
    ) -> HealthCheck {
        let counters = traffic.counters
        return HealthCheck(
            "requests", traffic.waiting < limit,
            "\(traffic.waiting) of at most \(limit) requests wait; \(counters.requests) have come, "
                + "\(counters.malformed) were malformed, \(counters.undeliverable) replies found no reader, "
                + "\(counters.cut) connections were cut")
    }
}
