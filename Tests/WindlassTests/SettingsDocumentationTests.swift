import Foundation
import TestSupport
import Testing

@testable import windlass

/// What is written about settings is what they are.
struct SettingsDocumentationTests {
    private let example = MarkdownPage.checkout.appendingPathComponent("config/windlass.example.yaml").path

    /// The example has every setting, set or (where there is no one default) commented out, and no other.
    @Test func theExampleHasEverySetting() throws {
        let text = try String(contentsOfFile: example, encoding: .utf8)
        let keys = text.split(separator: "\n").compactMap { $0.firstMatch(of: /^(?:# )?([a-z_]+):(?: |$)/)?.1 }
        #expect(keys.map(String.init).sorted() == (Setting.all.map(\.key) + ["profiles"]).sorted())
    }

    @Test func theExampleIsAtTheDefaults() throws {
        let settings = try WorkerSettings.read(flags: [:], file: example, environment: [:])
        let defaults = try WorkerSettings.read(flags: [:], file: nil, environment: [:])
        for setting in Setting.all { #expect(setting.show(settings) == setting.show(defaults), "\(setting.key)") }
        // Most are set there, so that this compares something.
        #expect(settings.sources.count > Setting.all.count - 15)
    }

    @Test func theProtocolsLimitsAreTheDefaults() throws {
        let page = try MarkdownPage("Sources/ContainerProtocol/Documentation.docc/Protocol.md")
        let defaults = try WorkerSettings.read(flags: [:], file: nil, environment: [:])
        let rows = page.table("Limits")
        #expect(rows.count > 10)
        for row in rows {
            let setting = try #require(Setting.all.first { "`\($0.key)`" == row[0] }, "\(row[0])")
            #expect(setting.show(defaults) == row[1], "\(row[0])")
        }
    }
}
