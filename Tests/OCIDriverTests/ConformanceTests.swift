import ContainerDriver
import ContainerModel
import TestSupport
import Testing

@testable import OCIDriver

/// What every driver does alike, with real containers.
@Suite(.serialized) struct ConformanceTests {
    @Test(arguments: OCIHost.runtimes, DriverConformance.checks.map(\.name))
    func conforms(_ runtime: String, _ name: String) throws {
        let host = try OCIHost(runtime)
        let suite = DriverConformance(host.instance, another: host.another) { OCIHost.specification($0 as OCIProcess) }
        let check = try #require(DriverConformance.checks.first { $0.name == name })
        do {
            try check.body(suite)
        } catch {
            Issue.record("\(name): \(error)")
        }
        try host.close()
    }
}
