import ContainerDriver
import Testing

@testable import HostComputeDriver

/// Standard input.
extension EmulatorTests {
    @Test func stdin() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        let input = try host.run(id, "cat; echo end", stdin: true, output: output).stdin
        #expect(try input.write("hello\n") == 6)
        #expect(output.wait(for: "hello\n"))
        #expect(try input.write("bye\n", end: true) == 4)
        #expect(host.events.exit(id)?.code == 0)
        #expect(output.text() == "hello\nbye\nend\n")
        let failure = try #require(throws: DriverFailure.self) { try input.write([1], end: false) }
        #expect(failure.code == .failedPrecondition && failure.message.contains("ended already"))
        try driver.discard(id)
    }

    @Test func stdinIsBounded() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        let input = try host.run(id, "read line; echo ready; cat | wc -c", stdin: true, output: output).stdin
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 300_000)
        // A pipe and the buffer are full some time; what is not taken is offered again.
        var taken = 0
        var last = -1
        while last != 0 {
            last = try input.write(chunk, end: false)
            taken += last
            #expect(last <= 256 * 1024)
        }
        #expect(taken >= 256 * 1024 && taken < 1_000_000)
        try driver.discard(id)
    }

    @Test func bigInputArrivesWhole() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        let input = try host.run(id, "wc -c", stdin: true, output: output).stdin
        let whole = [UInt8](repeating: 7, count: 2_000_000)
        var offset = 0
        while offset < whole.count {
            offset += try input.write(Array(whole[offset...]), end: true)
        }
        #expect(host.events.exit(id)?.code == 0)
        #expect(output.text().contains("2000000"))
        try driver.discard(id)
    }

    @Test func aClosedReaderOfInputIsNoSignal() throws {
        let id = try EmulatedHost.id()
        let output = OutputRecorder()
        let input = try host.run(
            id, "exec 0<&-; echo closed; exec sleep 600", stdin: true, output: output
        ).stdin
        #expect(output.wait(for: "closed"))
        // SIGPIPE would end the test here.
        while (try? input.write([1], end: false)) != nil {}
        try driver.discard(id)
        #expect(host.events.exit(id)?.reason == .terminated)
    }

    @Test func anInputThatIsKeptTooLongIsAnErrorAndNoMore() throws {
        let id = try EmulatedHost.id()
        let input = try host.run(id, "read x; exit 3", stdin: true).stdin
        _ = try input.write("x\n")
        #expect(host.events.exit(id)?.code == 3)
        try driver.discard(id)
        let failure = try #require(throws: DriverFailure.self) { try input.write("y\n") }
        #expect(failure.code == .failedPrecondition && failure.message.contains("\(id)"))
    }
}
