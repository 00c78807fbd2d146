import Foundation
import MessagePack
import Testing

@testable import windlass

/// A configuration file: all of its faults at once, and the form that `config dump` prints.
struct SettingsFileTests {
    private func read(_ text: String, _ environment: [String: String] = [:]) throws -> WorkerSettings {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).yaml")
        try Data(text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        return try WorkerSettings.read(flags: [:], file: file.path, environment: environment)
    }

    @Test func allFaultsAreReported() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try read(
                "queue_dept: 1\nqueue_depth: lots\nhost: {a: b}\nprofiles: {a: 1, b: {}}\n",
                ["WINDLASS_NOTHING": "1", "WINDLASS_LOG_LEVEL": "loud"])
        }
        let problems = try #require(error?.problems)
        for words in [
            "WINDLASS_NOTHING", "did you mean queue_depth?", "host must not be a map",
            "the profile a",
            "queue_depth must be", "log_level must be",
        ] {
            #expect(problems.contains { $0.contains(words) }, "\(words): \(problems)")
        }
        #expect(problems.count == 6)
    }

    @Test(arguments: [("10s", 10_000), ("2500", 2500), ("1m30s", 90_000), ("500ms", 500)])
    func timesHaveUnitsOrAreMilliseconds(_ text: String, _ milliseconds: Int) throws {
        let settings = try read("watchdog_ms: \(text)\n")
        #expect(settings.worker.times.watchdog == .milliseconds(milliseconds))
    }

    @Test(arguments: ["10x", "-1s", "10 s", "9999d", "0s"])
    func timesThatAreNone(_ text: String) {
        #expect(throws: ConfigurationError.self) { try read("watchdog_ms: \(text)\n") }
    }

    @Test func whatIsPrintedCanBeRead() throws {
        let settings = try read(
            "host: 'a: #b'\ncommands: ['>tcp://h:1', 'ipc:///a b']\nlocal_uids: {7: admin, 9: observer}\nipc_mode: 0600\n"
                + "profiles: {\"a b\": {process: {env: [\"A=1\", \"\\x1b\"], cwd: /x}}}\n")
        let again = try read(settings.lines.joined(separator: "\n"))
        for setting in Setting.all { #expect(setting.show(again) == setting.show(settings), "\(setting.key)") }
        #expect(again.worker.profiles == settings.worker.profiles)
        #expect(again.worker.host == "a: #b")
    }
}
