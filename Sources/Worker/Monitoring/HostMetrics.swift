import ContainerDriver
import ContainerModel
import ContainerProtocol

/// The metrics of a host, from what its parts keep anyway: nothing is computed or visited for a scrape.
struct HostMetrics {
    /// What the parts have, at one moment.
    struct Sources {
        var version: String
        var driver: String
        var startedAt: UInt64
        var health: HealthReport
        var isDraining: Bool
        var containers: ContainerFigures
        var requests: RequestFigures
        var pending: Int
        var traffic: CommandSocket.Counters
        var driverCalls: DriverFigures
        var creationsWaiting: Int
        var outbox: Outbox
        var events: EventFigures
        var output: OutputFigures
        var turns: Histogram
        var peers: Int
        var limits: WorkerConfiguration.Limits
        /// How long the loop was held by the last scrape.
        var lastScrape = Duration.zero
        /// Nil where they could not be read in time.
        var process: ProcessFacts?
    }

    private let sources: Sources
    private var text = MetricsText()

    /// The page of metrics.
    static func page(_ sources: Sources) -> [UInt8] {
        var metrics = HostMetrics(sources)
        metrics.writeWorker()
        metrics.writeContainers()
        metrics.writeRequests()
        metrics.writeDriver()
        metrics.writeEvents()
        metrics.writeJournal()
        metrics.writeTransport()
        metrics.writeProcess()
        return metrics.text.bytes
    }

    private init(_ sources: Sources) { self.sources = sources }

    private mutating func writeWorker() {
        text.metric("windlass_build_info", .gauge, "Always 1; the labels say what runs.")
        text.sample(
            "windlass_build_info", ["version": sources.version, "driver": sources.driver, "protocol": "1"],
            value: 1 as Int)
        text.metric("windlass_start_time_seconds", .gauge, "When this worker was started, in seconds since 1970.")
        text.seconds("windlass_start_time_seconds", nanoseconds: sources.startedAt)
        text.metric("windlass_epoch", .gauge, "Rises by one with each start of the worker.")
        text.sample("windlass_epoch", value: sources.outbox.epoch)
        text.gauge(
            "windlass_live", "Whether the worker does its work at all, as /livez says.",
            sources.health.live.isOK ? 1 : 0)
        text.metric("windlass_ready", .gauge, "Whether containers can be created, by check, as /readyz says.")
        for check in sources.health.checks {
            text.sample("windlass_ready", ["check": check.name], value: check.isOK ? 1 : 0 as Int)
        }
        text.gauge("windlass_draining", "Whether new containers are refused.", sources.isDraining ? 1 : 0)
    }

    private mutating func writeContainers() {
        text.metric("windlass_containers", .gauge, "Containers, stopped ones included, by state.")
        for state in ContainerRecord.State.allCases {
            text.sample("windlass_containers", ["state": state.rawValue], value: sources.containers.states[state] ?? 0)
        }
        text.gauge("windlass_containers_limit", "The most containers, by max_containers.", sources.limits.containers)
        text.metric(
            "windlass_container_exits_total", .counter,
            "Ends of containers, by reason and whether the exit code is known.")
        for reason in Exit.Reason.allCases {
            let count = sources.containers.exits[reason] ?? (0, 0)
            text.sample(
                "windlass_container_exits_total", ["reason": reason.rawValue, "known": "true"], value: count.known)
            text.sample(
                "windlass_container_exits_total", ["reason": reason.rawValue, "known": "false"], value: count.unknown)
        }
        text.gauge(
            "windlass_queued_requests", "Commands that wait for their turn, of all containers.",
            sources.containers.queues.sum)
        text.gauge(
            "windlass_queue_depth_max", "Commands that wait in the longest queue of a container.",
            sources.containers.queues.longest)
        text.metric("windlass_queue_wait_seconds", .histogram, "How long commands waited in their container's queue.")
        text.histogram("windlass_queue_wait_seconds", of: sources.containers.waits)
        text.gauge(
            "windlass_creations_waiting", "Creations and starts that wait because of max_creations.",
            sources.creationsWaiting)
    }

    private mutating func writeRequests() {
        text.metric("windlass_requests_total", .counter, "Requests with a reply, by method and outcome.")
        for method in Method.allCases {
            let figures = sources.requests.of(method)
            text.sample("windlass_requests_total", ["method": method.rawValue, "code": "ok"], value: figures.succeeded)
            for code in Failure.Code.allCases {
                guard let count = figures.failed[code] else { continue }
                text.sample(
                    "windlass_requests_total", ["method": method.rawValue, "code": code.rawValue], value: count)
            }
        }
        for code in Failure.Code.allCases {
            guard let count = sources.requests.others[code] else { continue }
            text.sample("windlass_requests_total", ["method": "other", "code": code.rawValue], value: count)
        }
        text.metric(
            "windlass_request_duration_seconds", .histogram,
            "From arrival to reply, without what waits for an exit; a state that is answered at once counts as 0.")
        for method in Method.allCases where method.isTimed {
            let figures = sources.requests.of(method)
            guard figures.durations.count > 0 else { continue }
            text.histogram("windlass_request_duration_seconds", ["method": method.rawValue], of: figures.durations)
        }
        text.counter(
            "windlass_requests_repeated_total",
            "Requests that got the answer of an earlier one with the same request_id.",
            sources.requests.repeated)
        text.gauge("windlass_requests_pending", "Requests that wait for their reply.", sources.pending)
        text.gauge(
            "windlass_requests_pending_limit", "The most that may wait, by max_requests.", sources.limits.requests)
    }

    private mutating func writeDriver() {
        let figures = sources.driverCalls
        text.gauge("windlass_driver_calls_in_flight", "Driver calls that have not come back.", figures.inFlight)
        text.gauge("windlass_driver_calls_stuck", "Driver calls that have outlived watchdog_ms.", figures.stuck)
        text.metric("windlass_driver_call_duration_seconds", .histogram, "How long driver calls took, by operation.")
        for operation in CallKind.allCases {
            guard let durations = figures.operations[operation]?.durations else { continue }
            text.histogram("windlass_driver_call_duration_seconds", ["operation": operation.rawValue], of: durations)
        }
        text.metric("windlass_driver_call_failures_total", .counter, "Driver calls that failed, by operation and code.")
        for operation in CallKind.allCases {
            for code in DriverFailure.Code.allCases {
                guard let count = figures.operations[operation]?.failed[code] else { continue }
                text.sample(
                    "windlass_driver_call_failures_total",
                    ["operation": operation.rawValue, "code": code.wire.rawValue], value: count)
            }
        }
    }

    private mutating func writeEvents() {
        text.metric("windlass_events_total", .counter, "Events that were committed, by type.")
        for kind in Event.Kind.allCases {
            text.sample("windlass_events_total", ["type": kind.rawValue], value: sources.events.counts[kind] ?? 0)
        }
        text.metric("windlass_event_seq", .gauge, "The number of the newest event that is kept.")
        text.sample("windlass_event_seq", value: sources.outbox.lastKept)
        text.metric("windlass_event_oldest_seq", .gauge, "The number of the oldest event that can still be read.")
        text.sample("windlass_event_oldest_seq", value: sources.outbox.oldestKept)
        text.counter(
            "windlass_events_unpublished_total", "Events that were not published, because too many waited to be sent.",
            sources.events.unpublished)
        text.gauge("windlass_event_subscribers", "Connections that subscribe to events.", sources.events.subscribers)
    }

    private mutating func writeJournal() {
        let figures = sources.outbox.journalFigures
        text.metric("windlass_journal_commit_duration_seconds", .histogram, "How long commits of the journal took.")
        text.histogram("windlass_journal_commit_duration_seconds", of: figures.commits)
        text.counter("windlass_journal_commits_total", "Commits of the journal.", figures.commits.count)
        text.counter("windlass_journal_failures_total", "Attempts to commit that failed.", figures.failures)
        guard let process = sources.process else { return }
        text.metric("windlass_journal_bytes", .gauge, "The size of the journal's files.")
        for (file, bytes) in process.journal { text.sample("windlass_journal_bytes", ["file": file], value: bytes) }
        guard let free = process.diskFreeBytes else { return }
        text.metric("windlass_disk_free_bytes", .gauge, "Bytes that the worker may still write where its state is.")
        text.sample("windlass_disk_free_bytes", value: free)
    }

    private mutating func writeTransport() {
        text.counter(
            "windlass_output_bytes_total", "Bytes that processes of containers have written.", sources.output.bytes)
        text.counter(
            "windlass_output_dropped_bytes_total", "Bytes of output that were dropped by output_limit_bytes.",
            sources.output.dropped)
        text.counter(
            "windlass_replies_dropped_total", "Replies that found no reader: its peer is gone, or does not read.",
            sources.traffic.undeliverable)
        text.metric(
            "windlass_messages_refused_total", .counter, "Messages that were refused before they were requests.")
        let traffic = sources.traffic
        for (cause, count) in [
            ("frames", traffic.frames), ("malformed", traffic.malformed - traffic.frames), ("role", traffic.role),
        ] {
            text.sample("windlass_messages_refused_total", ["cause": cause], value: count)
        }
        text.gauge("windlass_peers", "Connections to the command and event sockets.", sources.peers)
        text.metric(
            "windlass_loop_turn_duration_seconds", .histogram,
            "How long turns of the loop took, on which everything runs.")
        text.histogram("windlass_loop_turn_duration_seconds", of: sources.turns)
    }

    private mutating func writeProcess() {
        let (seconds, attoseconds) = sources.lastScrape.components
        text.metric("windlass_scrape_duration_seconds", .gauge, "How long the last scrape held the loop.")
        text.seconds(
            "windlass_scrape_duration_seconds",
            nanoseconds: UInt64(max(0, seconds * 1_000_000_000 + attoseconds / 1_000_000_000)))
        guard let process = sources.process else { return }
        if let bytes = process.residentBytes {
            text.metric("process_resident_memory_bytes", .gauge, "Resident memory.")
            text.sample("process_resident_memory_bytes", value: bytes)
        }
        if let time = process.processorNanoseconds {
            text.metric("process_cpu_seconds_total", .counter, "Processor time, user and system.")
            text.seconds("process_cpu_seconds_total", nanoseconds: time)
        }
        if let count = process.openDescriptors {
            text.metric("process_open_fds", .gauge, "Descriptors that are open.")
            text.sample("process_open_fds", value: count)
        }
        if let count = process.mostDescriptors {
            text.metric("process_max_fds", .gauge, "Descriptors that may be open.")
            text.sample("process_max_fds", value: count)
        }
        if let time = process.startedAt {
            text.metric("process_start_time_seconds", .gauge, "When the process was started, in seconds since 1970.")
            text.seconds("process_start_time_seconds", nanoseconds: time)
        }
        if let count = process.threads {
            text.metric("process_threads", .gauge, "Threads.")
            text.sample("process_threads", value: count)
        }
    }
}
