import ContainerProtocol
import MessagePack
import Worker

/// One setting of the worker: its key in the file, what it may be, and where it goes.
///
/// The key in upper case with `WINDLASS_` before it is the setting's environment variable; a list is separated by
/// commas there.
struct Setting: Sendable {
    enum Kind: Sendable {
        case text
        case list
        /// Users of this host and their roles, each as `UID=ROLE`.
        case users
        case choice([String])
        case count(ClosedRange<Int>)
        /// A file's permissions, in octal.
        case mode
        /// Milliseconds.
        case duration(ClosedRange<Int>)
    }

    /// What a setting was given, checked against its kind.
    enum Given: Sendable, Equatable {
        case text(String)
        case list([String])
        case number(Int)
        case mode(FileMode)

        var duration: Duration { .milliseconds(number) }
        var number: Int { if case .number(let number) = self { number } else { 0 } }
        var mode: FileMode? { if case .mode(let mode) = self { mode } else { nil } }
        var text: String { if case .text(let text) = self { text } else { "" } }
        var list: [String] { if case .list(let list) = self { list } else { [] } }
    }

    let key: String
    let kind: Kind
    let apply: @Sendable (inout WorkerSettings, Given) -> Void
    let show: @Sendable (WorkerSettings) -> String

    /// All settings, in the order of `config/windlass.example.yaml`.
    static let all: [Setting] = [
        Setting("host", .text, { $0.worker.host = $1.text }, { $0.worker.host }),
        Setting(
            "driver", .choice(WorkerSettings.Driver.allCases.map(\.rawValue)),
            { $0.driver = WorkerSettings.Driver(rawValue: $1.text) ?? .auto }, { $0.driver.rawValue }),
        Setting(
            "state_dir", .text, { $0.worker.stateDirectory = $1.text }, { $0.worker.stateDirectory }),
        choice("journal", \.journal),
        choice("synchronous", \.synchronous),
        choice("on_stop", \.onStop),
        choice("orphans", \.orphans),
        Setting(
            "commands", .list, { $0.worker.commandEndpoints = $1.list },
            { $0.worker.commandEndpoints.joined(separator: ",") }),
        Setting(
            "events", .list, { $0.worker.eventEndpoints = $1.list },
            { $0.worker.eventEndpoints.joined(separator: ",") }),
        Setting(
            "http", .list, { $0.worker.httpEndpoints = $1.list == ["none"] ? [] : $1.list },
            { settings in
                let endpoints = settings.worker.httpEndpoints ?? WorkerConfiguration.defaultHTTPEndpoints
                return endpoints.isEmpty ? "none" : endpoints.joined(separator: ",")
            }),
        Setting(
            "server_key", .text, { $0.worker.access.serverKey = $1.text }, { $0.worker.access.serverKey ?? "" }),
        Setting(
            "clients_dir", .text, { $0.worker.access.clientsDirectory = $1.text },
            { $0.worker.access.clientsDirectory }),
        Setting(
            "local_role", .choice(["none"] + Role.allCases.map(\.rawValue)),
            { $0.worker.access.localRole = Role(rawValue: $1.text) },
            { $0.worker.access.localRole?.rawValue ?? "none" }),
        Setting(
            "local_uids", .users, { $0.worker.access.localUsers = Setting.users($1.list) ?? [:] },
            { settings in
                settings.worker.access.localUsers.sorted { $0.key < $1.key }
                    .map { "\($0.key)=\($0.value.rawValue)" }.joined(separator: ",")
            }),
        accessCount("max_connections", 1...1_000_000, \.connections),
        accessCount("max_principal_connections", 1...1_000_000, \.principalConnections),
        accessCount("max_handshakes_per_second", 1...1_000_000, \.handshakesPerSecond),
        Setting(
            "ipc_mode", .mode, { $0.worker.ipcMode = $1.mode ?? $0.worker.ipcMode },
            { "\($0.worker.ipcMode)" }),
        Setting(
            "default_profile", .text, { $0.worker.defaultProfile = $1.text },
            { $0.worker.defaultProfile ?? "" }),
        Setting(
            "log_level", .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"]),
            { $0.logLevel = $1.text }, { $0.logLevel }),
        Setting(
            "log_format", .choice(WorkerLogging.Format.allCases.map(\.rawValue)),
            { $0.logFormat = WorkerLogging.Format(rawValue: $1.text) ?? .auto }, { $0.logFormat.rawValue }),
        Setting("oci_runtime", .text, { $0.ociRuntime = $1.text }, { $0.ociRuntime }),
        Setting("oci_supervisor", .text, { $0.ociSupervisor = $1.text }, { $0.ociSupervisor ?? "" }),
        Setting("oci_allow", .list, { $0.ociAllow = $1.list }, { $0.ociAllow.joined(separator: ",") }),
        Setting("oci_mounts", .list, { $0.ociMounts = $1.list }, { $0.ociMounts.joined(separator: ",") }),
        Setting(
            "oci_capabilities", .list, { $0.ociCapabilities = $1.list }, { $0.ociCapabilities.joined(separator: ",") }),
        Setting("oci_cni_config", .text, { $0.ociNetworks = $1.text }, { $0.ociNetworks }),
        Setting(
            "oci_cni_plugins", .list, { $0.ociNetworkPlugins = $1.list },
            { $0.ociNetworkPlugins.joined(separator: ",") }),
        Setting("emulator_socket", .text, { $0.emulatorSocket = $1.text }, { $0.emulatorSocket ?? "" }),
        Setting("emulator_user", .text, { $0.emulatorUser = $1.text }, { $0.emulatorUser ?? "" }),
        Setting(
            "emulator_in_process", .choice(["false", "true"]),
            { $0.emulatorInProcess = $1.text == "true" },
            { "\($0.emulatorInProcess)" }),
        Setting("emulator_faults", .text, { $0.emulatorFaults = $1.text }, { $0.emulatorFaults ?? "" }),

        count("max_message_bytes", 1024...(1 << 30), \.messageBytes),
        count("queue_depth", 1...100_000, \.queueDepth),
        count("max_peer_requests", 1...1_000_000, \.peerRequests),
        count("max_requests", 1...10_000_000, \.requests),
        count("max_containers", 1...10_000_000, \.containers),
        count("stopped_limit", 0...10_000_000, \.stoppedContainers),
        duration("stopped_retention_ms", 0...31_536_000_000, \.stoppedRetention),
        count("output_limit_bytes", 1...(1 << 34), \.outputBytes),
        count("max_attachments", 1...100_000, \.attachments),
        count("max_creations", 1...1024, \.creations),
        count("max_driver_calls", 1...4096, \.driverCalls),
        count("max_stuck_calls", 0...65_536, \.stuckCalls),
        count("event_retention", 1...100_000_000, \.events),
        duration("event_age_ms", 1000...31_536_000_000, \.eventAge),
        count("request_retention", 1...100_000_000, \.rememberedRequests),
        duration("request_age_ms", 1000...31_536_000_000, \.requestAge),
        Setting(
            "high_water_mark", .count(1...10_000_000),
            { $0.worker.limits.highWaterMark = Int32(clamping: $1.number) },
            { "\($0.worker.limits.highWaterMark)" }),

        duration("watchdog_ms", 1...86_400_000, \.watchdog),
        duration("check_interval_ms", 100...86_400_000, \.checkInterval),
        duration("lossless_timeout_ms", 1...86_400_000, \.losslessReader),
        duration("stop_timeout_ms", 0...86_400_000, \.stop),
        duration("linger_ms", 0...3_600_000, \.linger),
        duration("heartbeat_interval_ms", 0...3_600_000, \.heartbeatInterval),
        duration("heartbeat_timeout_ms", 1...3_600_000, \.heartbeatTimeout),
        duration("handshake_timeout_ms", 1...3_600_000, \.handshake),
    ]

    private init(
        _ key: String, _ kind: Kind, _ apply: @escaping @Sendable (inout WorkerSettings, Given) -> Void,
        _ show: @escaping @Sendable (WorkerSettings) -> String
    ) {
        self.key = key
        self.kind = kind
        self.apply = apply
        self.show = show
    }

    private static func count(
        _ key: String, _ range: ClosedRange<Int>,
        _ path: any WritableKeyPath<WorkerConfiguration.Limits, Int> & Sendable
    ) -> Setting {
        Setting(
            key, .count(range), { $0.worker.limits[keyPath: path] = $1.number },
            { "\($0.worker.limits[keyPath: path])" })
    }

    private static func accessCount(
        _ key: String, _ range: ClosedRange<Int>,
        _ path: any WritableKeyPath<WorkerConfiguration.Access, Int> & Sendable
    ) -> Setting {
        Setting(
            key, .count(range), { $0.worker.access[keyPath: path] = $1.number },
            { "\($0.worker.access[keyPath: path])" })
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
        _ key: String, _ path: any WritableKeyPath<WorkerConfiguration, Choice> & Sendable
    ) -> Setting {
        Setting(
            key, .choice(Choice.allCases.map(\.rawValue)),
            { settings, given in
                if let choice = Choice(rawValue: given.text) { settings.worker[keyPath: path] = choice }
            }, { $0.worker[keyPath: path].rawValue })
    }

    private static func duration(
        _ key: String, _ range: ClosedRange<Int>,
        _ path: any WritableKeyPath<WorkerConfiguration.Times, Duration> & Sendable
    ) -> Setting {
        Setting(
            key, .duration(range), { $0.worker.times[keyPath: path] = $1.duration },
            { "\(Int($0.worker.times[keyPath: path] / .milliseconds(1)))" })
    }

    /// Whether it has several texts.
    var isList: Bool {
        switch kind {
        case .list, .users: true
        default: false
        }
    }

    /// Users and their roles, by user id; nil where a text is no `UID=ROLE`, or a user has two roles.
    private static func users(_ texts: [String]) -> [UInt32: Role]? {
        var users: [UInt32: Role] = [:]
        for text in texts {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, let user = UInt32(parts[0]),
                let role = Role(rawValue: String(parts[1])),
                users.updateValue(role, forKey: user) == nil
            else { return nil }
        }
        return users
    }

    /// The milliseconds of a time with its unit, such as `10s`.
    private static func milliseconds(_ text: String) -> Int? {
        guard text.last?.isLetter == true else { return nil }
        return TimeSpan(argument: text).map { Int($0.milliseconds) }
    }

    /// The setting as a line of a configuration file; nil where it is not set.
    func line(_ settings: WorkerSettings) -> String? {
        let shown = show(settings)
        guard !shown.isEmpty else { return nil }
        switch kind {
        case .list:
            return
                "\(key): [\(shown.split(separator: ",").map { Setting.scalar(String($0)) }.joined(separator: ", "))]"
        case .users: return "\(key): {\(shown.replacing("=", with: ": ").replacing(",", with: ", "))}"
        case .text: return "\(key): \(Setting.scalar(shown))"
        default: return "\(key): \(shown)"
        }
    }

    /// A text for YAML: plain where nothing in it could mean something else.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isLetter || $0 == "/" || $0 == "." } == true
            && text.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "/._:@+*-".contains($0) }
            && text.last != ":"
            && !["true", "false", "null", "yes", "no", "on", "off"].contains(text.lowercased())
        return isPlain ? text : Value.string(text).json
    }

    /// Checks the texts of a list.
    /// - Returns: nil if they are not valid; ``expectation`` describes valid ones.
    func read(_ texts: [String]) -> Given? {
        if case .users = kind, Setting.users(texts) == nil { return nil }
        return .list(texts)
    }

    /// Checks what was given.
    /// - Returns: nil if it is not valid; ``expectation`` describes valid values.
    func read(_ text: String) -> Given? {
        switch kind {
        case .text: return text.isEmpty ? nil : .text(text)
        case .list, .users: return read([text])
        case .choice(let choices): return choices.contains(text) ? .text(text) : nil
        case .count(let range):
            guard let number = Int(text), range.contains(number) else { return nil }
            return .number(number)
        case .duration(let range):
            guard let number = Int(text) ?? Setting.milliseconds(text), range.contains(number) else {
                return nil
            }
            return .number(number)
        case .mode: return FileMode(text).map(Given.mode)
        }
    }

    /// What the setting must be, for messages to people.
    var expectation: String {
        switch kind {
        case .text: "a text"
        case .list: "a list of texts"
        case .users: "a map from user ids to roles (in one line: UID=ROLE), such as 1000: scheduler"
        case .choice(let choices): "one of \(choices.joined(separator: ", "))"
        case .mode: "a file's permissions in octal, such as 0660"
        case .count(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .duration(let range):
            "milliseconds, a whole number from \(range.lowerBound) to \(range.upperBound), or a time with its unit, such as "
                + "10s or 2m"
        }
    }
}
