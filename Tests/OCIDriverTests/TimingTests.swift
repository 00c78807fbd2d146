import Foundation
import TestSupport
import Testing

@testable import OCIDriver

@Suite(.serialized) struct TimingTests {
    @Test(arguments: OCIHost.runtimes) func steps(_ runtime: String) throws {
        let clock = ContinuousClock()
        var host: OCIHost!
        print(runtime, "driver", clock.measure { host = try? OCIHost(runtime) })
        for _ in 0..<3 {
            let id = try OCIHost.id()
            let spec = OCIHost.specification("true")
            print("create", try clock.measure { _ = try host.driver.create(id, spec) })
            print(
                "start",
                try clock.measure {
                    _ = try host.driver.start(id, spec.process!, stdin: false, output: RecordedOutput())
                })
            print("exit", clock.measure { _ = host.exits.exit(id) })
            print("shutDown", try clock.measure { _ = try host.driver.shutDown(id) })
            print("discard", try clock.measure { _ = try host.driver.discard(id) })
        }
        print("close", try clock.measure { try host.close() })
    }
}
