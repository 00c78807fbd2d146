import ContainerDriver
import ContainerModel
import TestSupport
import Testing

@testable import HostComputeDriver

/// What every driver does alike, on the emulator.
@Suite(.serialized) struct ConformanceTests {
    @Test(arguments: DriverConformance.checks.map(\.name)) func conforms(_ name: String) throws {
        let owner = "conformance-\(UInt32.random(in: 0 ... .max))"
        let host = try EmulatedHost(owner: owner)
        let suite = DriverConformance(
            DriverConformance.Instance(host.driver),
            another: { DriverConformance.Instance(try EmulatedHost(owner: owner).driver) }, keepsStreams: false
        ) { process in
            guard let id = ContainerID("layer-\(UInt32.random(in: 0 ... .max))") else { return OCISpecification() }
            var specification = host.specification(id)
            specification.process = process
            return specification
        }
        let check = try #require(DriverConformance.checks.first { $0.name == name })
        do {
            try check.body(suite)
        } catch {
            Issue.record("\(name): \(error)")
        }
    }
}
