import ArgumentParser
import Foundation

/// `windlass bench`: measures the worker against the least that a C program does for the same job, side by side.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a worker against bare libzmq and bare posix_spawn, as ratios of one run.",
        discussion: """
            Both sides are started here, measured in turns on this machine, and compared by the median of their turns; \
            seconds differ from machine to machine, ratios much less.
            """,
        subcommands: [
            CommandsBench.self, EventsBench.self, SecureBench.self, ContainersBench.self, GrowthBench.self,
            LinuxBench.self, OutputBench.self, BaselineCommand.self, All.self,
        ],
        defaultSubcommand: All.self)

    /// Every benchmark, one after another.
    struct All: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Run every benchmark.")

        func run() async throws {
            try await CommandsBench.parse([]).run()
            try await EventsBench.parse([]).run()
            try await EventsBench.parse(["--durable"]).run()
            try await SecureBench.parse([]).run()
            try await ContainersBench.parse([]).run()
            try await GrowthBench.parse([]).run()
            try OutputBench.parse([]).run()
        }
    }
}

/// One line of a benchmark's result.
enum Figure {
    /// Prints a ratio, what it consists of, and what is wanted of it.
    static func ratio(_ name: String, ours: Double, baseline: Double, unit: String, atLeast goal: Double) {
        line(
            name, ours / baseline, "\(number(ours)) \(unit) against \(number(baseline))", "at least \(goal)",
            ours / baseline >= goal)
    }

    /// Prints a ratio that is to be small.
    static func ratio(_ name: String, ours: Double, baseline: Double, unit: String, atMost goal: Double) {
        line(
            name, ours / baseline, "\(number(ours)) \(unit) against \(number(baseline))", "at most \(goal)",
            ours / baseline <= goal)
    }

    /// Prints a ratio of which nothing is wanted.
    static func ratio(_ name: String, ours: Double, baseline: Double, unit: String) {
        line(name, ours / baseline, "\(number(ours)) \(unit) against \(number(baseline))", nil, true)
    }

    /// Prints a figure that stands for itself.
    static func value(_ name: String, _ value: Double, unit: String, atMost goal: Double) {
        line(name, value, unit, "at most \(number(goal))", value <= goal)
    }

    /// Prints a figure that stands for itself and is to be large.
    static func value(_ name: String, _ value: Double, unit: String, atLeast goal: Double) {
        line(name, value, unit, "at least \(number(goal))", value >= goal)
    }

    private static func line(_ name: String, _ value: Double, _ detail: String, _ goal: String?, _ isMet: Bool) {
        let padded = name.padding(toLength: 44, withPad: " ", startingAt: 0)
        let wanted = goal.map { "; wanted: \($0)" } ?? ""
        print("\(padded) \(twoDigits(value))  (\(detail)\(wanted)\(isMet ? "" : ", MISSED"))")
    }

    private static func twoDigits(_ value: Double) -> String { String(format: "%8.2f", value) }

    private static func number(_ value: Double) -> String {
        value >= 100 ? String(Int(value.rounded())) : String(format: "%.2f", value)
    }
}
