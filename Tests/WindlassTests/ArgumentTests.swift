import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import windlass

/// What users write on the command line, and what it becomes.
struct ArgumentTests {
    @Test(arguments: [
        ("10", 10_000), ("0.5", 500), ("500ms", 500), ("2m", 120_000), ("1h30m", 5_400_000), ("1.5s", 1500),
        ("1d", 86_400_000),
    ])
    func lengthsOfTime(_ text: String, _ milliseconds: Int) {
        #expect(TimeSpan(argument: text)?.milliseconds == UInt64(milliseconds))
    }

    @Test(arguments: ["", "x", "10x", "-1", "s", "1e99", "9999d", "1 s"])
    func whatIsNoLengthOfTime(_ text: String) { #expect(TimeSpan(argument: text) == nil) }

    @Test(arguments: [
        ("512", 512), ("64k", 65536), ("1.5m", 1_572_864), ("2G", 2_147_483_648), ("1GiB", 1_073_741_824),
        ("10kb", 10240), ("7b", 7),
    ])
    func numbersOfBytes(_ text: String, _ bytes: UInt64) { #expect(ByteCount(argument: text)?.bytes == bytes) }

    @Test(arguments: ["", "m", "-1", "1x", "99999999t"])
    func whatIsNoNumberOfBytes(_ text: String) { #expect(ByteCount(argument: text) == nil) }

    @Test(
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 KiB"), (1536, "1.5 KiB"), (104_857_600, "100 MiB"),
            (.max, "16.0 EiB"),
        ] as [(UInt64, String)])
    func bytesInShort(_ bytes: UInt64, _ text: String) { #expect(ByteCount(bytes).brief == text) }

    @Test(arguments: [(0, "0ms"), (59, "59s"), (61, "1m1s"), (3_700, "1h1m"), (90_000, "1d1h")])
    func durationsInShort(_ seconds: Int, _ text: String) { #expect(Duration.seconds(seconds).brief == text) }

    @Test func keysAndValues() {
        #expect(KeyValue(argument: "a=b=c")?.value == "b=c")
        #expect(KeyValue(argument: "a=")?.value == "")
        #expect(KeyValue(argument: "a") == nil)
        #expect(KeyValue(argument: "=b") == nil)
    }

    @Test(arguments: [
        ["run", "--rm", "--", "sh", "-c", "x", "--", "y"], ["run", "--rm", "sh", "-c", "x", "--", "y"],
    ])
    func theProgramBeginsAfterTheOptions(_ arguments: [String]) throws {
        let run = try #require(try Windlass.parseAsRoot(arguments) as? RunCommand)
        #expect(run.remove)
        #expect(try Program.words(run.program, of: RunCommand.self) == ["sh", "-c", "x", "--", "y"])
    }

    @Test func flagsGoTogether() throws {
        let exec = try #require(try Windlass.parseAsRoot(["exec", "-it", "-e", "A=1", "web", "sh"]) as? ExecCommand)
        #expect(exec.options.interactive && exec.options.terminal)
        #expect(exec.id.rawValue == "web")
        #expect(exec.program == ["sh"])
    }

    @Test(arguments: [
        ["run", "--naem", "x"], ["exec", "web"], ["exec", "bad/name", "sh"], ["stop"],
        ["update", "web"], ["update", "web", "--cpus", "0"], ["ps", "--filter", "nothing=1"],
        ["ps", "--filter", "state=nowhere"], ["events", "--filter", "type=birth"], ["stats", "--interval", "1ms"],
        ["run", "--format", "xml", "true"],
    ])
    func mistakesAreFoundBeforeAWorkerIsAsked(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try Windlass.parseAsRoot(arguments) }
    }

    @Test func aProcessIsLaidOverASpecification() throws {
        let options = try ProcessOptions.parse(["-e", "B=2", "-w", "/tmp", "-u", "me"])
        let base: Value = ["args": ["old"], "commandLine": "old", "env": ["A=1"], "terminal": false]
        #expect(
            try options.process(["new", "x"], over: base) == [
                "args": ["new", "x"], "env": ["A=1", "B=2"], "terminal": false, "cwd": "/tmp",
                "user": ["username": "me"],
            ])
        #expect(try options.process([], over: ["args": ["old"]])["args"] == ["old"])
    }

    @Test func variablesCanComeFromHere() throws {
        #expect(try ProcessOptions.variable("A=b=c") { _ in nil } == "A=b=c")
        #expect(try ProcessOptions.variable("HERE") { $0 == "HERE" ? "x" : nil } == "HERE=x")
        #expect(throws: Failure.self) { try ProcessOptions.variable("MISSING") { _ in nil } }
        #expect(throws: Failure.self) { try ProcessOptions.variable("=x") { _ in nil } }
    }

    @Test func limitsTakeThePlatformsForm() throws {
        let options = try ResourceOptions.parse(["--memory", "64m", "--cpus", "2"])
        #expect(try options.limits(for: .windows) == ["memory": ["limit": 67_108_864], "cpu": ["count": 2]])
        #expect(
            try options.limits(for: .linux) == [
                "memory": ["limit": 67_108_864], "cpu": ["period": 100_000, "quota": 200_000],
            ])
        let half = try ResourceOptions.parse(["--cpus", "0.5"])
        #expect(throws: Failure.self) { try half.limits(for: .windows) }
        #expect(try half.limits(for: .linux) == ["cpu": ["period": 100_000, "quota": 50_000]])
        #expect(
            try ResourceOptions.parse(["--cpu-percent", "12.5"]).limits(for: .windows) == ["cpu": ["maximum": 1250]])
    }

    @Test func randomNamesAreNames() {
        for _ in 0..<200 {
            #expect(ContainerID(RandomName.container()) != nil)
            #expect(ProcessName(RandomName.process()) != nil)
        }
    }
}
