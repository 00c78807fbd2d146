import ContainerDriver
import ContainerModel
import Foundation
import Testing

@testable import HostComputeDriver

/// The whole way of an argument: escaped by the driver, taken apart by the emulator as CommandLineToArgvW does, and seen
/// by a real program, which says what it was given.
@Suite struct ArgumentRoundTripTests {
    @Test func programsSeeTheArgumentsThatWereGiven() throws {
        let host = try EmulatedHost()
        let seed =
            UInt64(ProcessInfo.processInfo.environment["WINDLASS_SEED"] ?? "") ?? UInt64.random(in: 0..<(1 << 40))
        var random = SplitMix(seed: seed)
        let alphabet = Array("ab \t\"\\\\\\\"\n'é😀%$&|<>^")
        let id = try EmulatedHost.id()
        try host.run(id, "exec sleep 600")
        for turn in 0..<100 {
            let arguments = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                String((0..<Int.random(in: 0...10, using: &random)).map { _ in random.pick(alphabet) })
            }
            let name = try #require(ProcessName("turn\(turn)"))
            let output = OutputRecorder()
            _ = try host.driver.startProcess(
                id, name, OCIProcess(args: ["/usr/bin/printf", #"%s\0"#] + arguments), stdin: false, output: output)
            #expect(host.events.exit(id, name)?.code == 0)
            #expect(output.text() == arguments.map { $0 + "\0" }.joined(), "seed \(seed), turn \(turn)")
        }
        try host.driver.discard(id)
    }
}
