import Foundation
import MessagePack
import Worker

extension WorkerSettings {
    /// Reads the settings: flags before environment before file before defaults.
    /// - Parameters:
    ///   - flags: values by key.
    ///   - path: the configuration file; none where it is nil.
    ///   - environment: the process's environment.
    static func read(
        flags: [String: [String]], file path: String?,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> WorkerSettings {
        var settings = WorkerSettings()
        var problems = Sources.unknownVariables(environment)
        var file: SettingsFile?
        // What cannot be read at all leaves the rest to be checked.
        collect(&problems) { file = try path.map { try SettingsFile(path: $0) } }
        problems += file?.problems ?? []
        let sources = Sources(flags: flags, environment: environment, file: file)
        for setting in Setting.all {
            collect(&problems) {
                guard let (given, source) = try sources.value(of: setting) else { return }
                setting.apply(&settings, given)
                settings.sources[setting.key] = source
            }
        }
        settings.worker.profiles = file?.profiles ?? [:]
        collect(&problems) { settings.worker.crashPlan = try Sources.crashPlan(environment) }
        guard problems.isEmpty else { throw ConfigurationError(problems) }
        return settings
    }

    private static func collect(_ problems: inout [String], _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            problems += (error as? ConfigurationError)?.problems ?? ["\(error)"]
        }
    }

    /// Where settings come from, first one first.
    private struct Sources {
        /// A source's name for a setting, and what it gives it: one text, or several for a list; nil for nothing.
        private typealias Layer = (name: (Setting) -> String, texts: (Setting) -> [String]?)

        private let layers: [Layer]

        /// What is wrong with the names of the environment's variables.
        static func unknownVariables(_ environment: [String: String]) -> [String] {
            let known = Set(
                Setting.all.map { variable($0.key) } + ["WINDLASS_CONFIG", crashVariable] + clientVariables)
            return environment.keys.sorted().filter { $0.hasPrefix("WINDLASS_") && !known.contains($0) }
                .map { "the environment has \($0), and there is no such setting" }
        }

        init(flags: [String: [String]], environment: [String: String], file: SettingsFile?) {
            layers = [
                ({ "--" + $0.key.replacing("_", with: "-") }, { flags[$0.key] }),
                ({ "the environment's \(Sources.variable($0.key))" }, { Sources.texts(of: $0, environment) }),
                ({ file?.place(of: $0.key) ?? "" }, { file?.values[$0.key] }),
            ]
        }

        /// Variables that the client's commands read.
        private static let clientVariables = [
            "WINDLASS_WORKER", "WINDLASS_EVENTS", "WINDLASS_BINARY", "WINDLASS_CONTEXT",
            "WINDLASS_CONTEXTS",
            "WINDLASS_KEY",
        ]
        /// Has the worker die at a point of its work: `point:count`, for the tests of what survives it.
        private static let crashVariable = "WINDLASS_CRASH"

        static func crashPlan(_ environment: [String: String]) throws -> CrashPlan? {
            guard let text = environment[crashVariable] else { return nil }
            guard let plan = CrashPlan(text) else {
                let points = CrashPoint.allCases.map(\.rawValue).joined(separator: ", ")
                throw ConfigurationError(
                    "the environment's \(crashVariable) must be POINT:COUNT with one of \(points)")
            }
            return plan
        }

        private static func variable(_ key: String) -> String { "WINDLASS_" + key.uppercased() }

        /// Only a list is separated at commas; a path may well have one.
        private static func texts(of setting: Setting, _ environment: [String: String]) -> [String]? {
            guard let text = environment[variable(setting.key)] else { return nil }
            guard setting.isList else { return [text] }
            return text.split(separator: ",", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }

        /// What the first source that has the setting gives it, and that source's name.
        func value(of setting: Setting) throws -> (Setting.Given, source: String)? {
            for (name, texts) in layers {
                guard let texts = texts(setting), !texts.isEmpty else { continue }
                // A text that a source has taken for a list, at its commas.
                let text = texts.joined(separator: ",")
                guard let given = setting.isList ? setting.read(texts) : setting.read(text) else {
                    throw ConfigurationError(
                        "\(name(setting)): \(setting.key) must be \(setting.expectation), not \"\(text)\"")
                }
                return (given, name(setting))
            }
            return nil
        }
    }
}
