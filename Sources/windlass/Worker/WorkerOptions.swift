import ArgumentParser

/// The flags that choose a worker's settings.
struct WorkerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read settings from this YAML file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("What runs the containers: auto, hcs, oci or emulator.", valueName: "driver"))
    var driver: String?

    @Option(help: ArgumentHelp("Serve commands here; may be given several times.", valueName: "endpoint"))
    var commands: [String] = []

    @Option(help: ArgumentHelp("Publish events here; may be given several times.", valueName: "endpoint"))
    var events: [String] = []

    @Option(
        help: ArgumentHelp(
            "Serve metrics and health by HTTP here; may be given several times. none for nowhere.",
            valueName: "endpoint"))
    var http: [String] = []

    @Option(
        help: ArgumentHelp(
            "The file of this worker's secret key, with which other hosts can come in.", valueName: "file"))
    var serverKey: String?

    @Option(help: ArgumentHelp("The directory with the public keys that may come in.", valueName: "dir"))
    var clientsDir: String?

    @Option(help: ArgumentHelp("Keep state in this folder.", valueName: "dir"))
    var stateDir: String?

    @Option(help: ArgumentHelp("The host's name in events.", valueName: "name"))
    var host: String?

    @Option(help: ArgumentHelp("How much to log.", valueName: "level"))
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "How log lines look: auto (text on a terminal, else JSON), text or json.", valueName: "format"))
    var logFormat: String?

    @Option(
        help: ArgumentHelp(
            "Run containers in the emulator service at this socket (windlass hcs-emulator), not in one of the worker's own.",
            valueName: "path"))
    var emulatorSocket: String?

    @Flag(help: "Run the emulator inside the worker, for tests: its containers end with the worker.")
    var emulatorInProcess = false

    @Option(help: ArgumentHelp("A JSON file of faults for the emulator inside a worker, for tests.", valueName: "file"))
    var emulatorFaults: String?

    /// The settings that these flags and everything below them make.
    func settings(environment: [String: String]) throws -> WorkerSettings {
        var flags: [String: [String]] = [:]
        let single = [
            "driver": driver, "state_dir": stateDir, "host": host, "log_level": logLevel,
            "log_format": logFormat,
            "server_key": serverKey, "clients_dir": clientsDir, "emulator_socket": emulatorSocket,
            "emulator_faults": emulatorFaults,
        ]
        for (key, value) in single { if let value { flags[key] = [value] } }
        if emulatorInProcess { flags["emulator_in_process"] = ["true"] }
        if !commands.isEmpty { flags["commands"] = commands }
        if !events.isEmpty { flags["events"] = events }
        if !http.isEmpty { flags["http"] = http }
        return try WorkerSettings.read(
            flags: flags, file: config ?? environment["WINDLASS_CONFIG"], environment: environment)
    }
}
