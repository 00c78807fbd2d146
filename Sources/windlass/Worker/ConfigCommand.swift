import ArgumentParser
import Foundation
import Worker

/// `windlass config`: checks or prints a worker's settings, without starting one.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Check a worker's configuration, or show what it comes to.",
        subcommands: [Check.self, Dump.self])

    /// `windlass config check`: exit code 0, or 78 with what is wrong.
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the settings; exit code 78 if they are not valid.")
        @OptionGroup var options: WorkerOptions

        func run() async throws {
            _ = try ConfigCommand.settings(options)
            print("the settings are valid")
        }
    }

    /// `windlass config dump`: every setting, its value and where that came from.
    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show every setting, and where its value came from.")
        @OptionGroup var options: WorkerOptions

        func run() async throws {
            let settings = try ConfigCommand.settings(options)
            for setting in Setting.all {
                print("\(setting.key): \(setting.show(settings))  # \(settings.sources[setting.key] ?? "default")")
            }
            for name in settings.worker.profiles.keys.sorted() { print("# profile: \(name)") }
        }
    }

    private static func settings(_ options: WorkerOptions) throws -> WorkerSettings {
        do {
            let settings = try options.settings(environment: ProcessInfo.processInfo.environment)
            if let refusal = Worker.endpointRefusal(settings.worker) { throw ConfigurationError(refusal) }
            return settings
        } catch let error as ConfigurationError {
            FileHandle.standardError.write(Data("windlass: \(error)\n".utf8))
            throw ExitCode(ConfigurationError.exitCode)
        }
    }
}
