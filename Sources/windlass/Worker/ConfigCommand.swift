import ArgumentParser
import Foundation
import MessagePack
import Worker

/// `windlass config`: checks or prints a worker's settings, without starting one.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a worker's configuration, or show what it comes to.",
        subcommands: [Check.self, Dump.self])

    /// `windlass config check`: exit code 0, or 78 with everything that is wrong.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the settings; exit code 78 if they are not valid.",
            usage: "windlass config check [<options>]",
            discussion:
                "Finds what a worker would refuse, all of it at once. Nothing is made, and nothing is started."
        )
        @OptionGroup var options: WorkerOptions

        func run() async throws {
            try ConfigCommand.reporting {
                let settings = try options.settings(environment: ProcessInfo.processInfo.environment)
                let problems =
                    Worker.refusals(settings.worker) + DriverSelection.problems(settings)
                    + settings.profileProblems(besides: DriverSelection.ownProfiles(settings))
                guard problems.isEmpty else { throw ConfigurationError(problems) }
            }
            print("the settings are valid")
        }
    }

    /// `windlass config dump`: every setting, its value and where that came from.
    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every setting, and where its value came from.",
            usage: "windlass config dump [<options>]",
            discussion: "What it prints is a configuration file.")
        @OptionGroup var options: WorkerOptions

        func run() async throws {
            try ConfigCommand.reporting {
                let settings = try options.settings(environment: ProcessInfo.processInfo.environment)
                for line in settings.lines { print(line) }
            }
        }
    }

    private static func reporting(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ConfigurationError {
            for problem in error.problems { Console(format: .table).note(problem) }
            throw ExitCode(error.code)
        }
    }
}

extension WorkerSettings {
    /// A configuration file that comes to these settings, with where each came from.
    var lines: [String] {
        var lines = Setting.all.map { setting in
            let source = sources[setting.key] ?? "default"
            return setting.line(self).map { "\($0)  # \(source)" } ?? "# \(setting.key):  # not set"
        }
        guard !worker.profiles.isEmpty else { return lines }
        lines.append("profiles:")
        // JSON is YAML too.
        for (name, profile) in worker.profiles.sorted(by: { $0.key < $1.key }) {
            lines.append("  \(Value.string(name).json): \(profile.json)")
        }
        return lines
    }
}
