import CHostCompute
import ContainerDriver
import Testing

@testable import HostComputeDriver

/// Servicing runs, which Windows has dropped.
extension ScriptedTests {
    @Test(arguments: [
        ("10.0.14393", true), ("10.0.16299", true), ("10.0.17134", false), ("10.0.26100", false), ("", true),
    ])
    func servicingIsOfferedWhereWindowsHasIt(_ version: String, _ hasIt: Bool) throws {
        let driver = driver(version: version)
        #expect(driver.capabilities.contains(.servicing) == hasIt)
        let id = try EmulatedHost.id("scripted")
        var specification = specification()
        specification.windows?.servicing = true
        if hasIt {
            #expect(try driver.plan(id, specification).document.contains(#""Servicing":true"#))
        } else {
            let failure = try #require(throws: DriverFailure.self) { try driver.create(id, specification) }
            #expect(failure.code == .unimplemented && failure.message.contains("spec.windows.servicing"))
        }
    }

    /// Every exit asked, though no client of today does, and no Windows of today has updates to merge.
    @Test(arguments: [("10.0.16299", true), ("10.0.20348", false)])
    func updatesAreAskedForWhereTheyCanBeMerged(_ version: String, _ asks: Bool) throws {
        let driver = driver(version: version)
        let id = try started(driver)
        service.notifyProcess(HcsNotificationProcessExited)
        #expect(events.exit(id)?.code == 4)
        let before = service.asked.filter { $0 == "system" }.count
        _ = try driver.shutDown(id)
        #expect(service.asked.filter { $0 == "system" }.count == before + (asks ? 1 : 0), "\(service.asked)")
        try driver.discard(id)
    }
}
