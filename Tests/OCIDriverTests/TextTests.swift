import ContainerDriver
import ContainerModel
import Testing

@testable import OCIDriver

/// The texts of the kernel, of runtimes and of plugins, read.
struct TextTests {
    @Test func jsonIsReadAndWritten() throws {
        let text = #"{"a":[1,-2,18446744073709551615,1.5,true,null],"b":{"c":"é\n\"\\😀"},"d":"\u00e9\ud83d\ude00"}"#
        let json = try #require(JSONParser.parse(text))
        #expect(json["a"]?.array?[2] == .unsigned(.max) && json["d"]?.string == "é😀")
        #expect(JSONParser.parse(json.bytes) == json)
        #expect(json.object?.keys == ["a", "b", "d"])
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\"}", "{\"a\":}", "nul", "\"\\x\"", "\"open", "1 2", "+1", "\"\\u12\"", "[1 2]", "{a:1}",
        "--1",
        String(repeating: "[", count: 100_000),
    ])
    func whatIsNoJSONIsNil(_ text: String) { #expect(JSONParser.parse(text) == nil) }

    @Test func statisticsOfVersion1() {
        let files = [
            "memory.usage_in_bytes": "9000\n", "memory.max_usage_in_bytes": "9500\n",
            "memory.stat": "cache 5\ntotal_inactive_file 4000\n", "cpuacct.usage": "3000\n",
            "cpuacct.usage_user": "1000\n",
            "cpuacct.usage_sys": "2000\n",
            "blkio.throttle.io_service_bytes_recursive": "8:0 Read 10\n8:0 Write 20\n8:16 Read 1\nTotal 31\n",
            "blkio.throttle.io_serviced_recursive": "8:0 Read 2\n8:0 Write 3\n",
        ]
        let statistics = CgroupStatistics(isUnified: false) { files[$1] }
        #expect(statistics.memory.commit == 9000 && statistics.memory.commitPeak == 9500)
        #expect(statistics.memory.privateWorkingSet == 5000)
        #expect(statistics.processor.total == 3000 && statistics.processor.user == 1000)
        #expect(statistics.storage.readBytes == 11 && statistics.storage.writeBytes == 20)
        #expect(statistics.storage.readCount == 2 && statistics.storage.writeCount == 3)
    }

    @Test func statisticsOfVersion2() {
        let files = [
            "memory.current": "9000\n", "memory.stat": "anon 1\ninactive_file 10000\n",
            "cpu.stat": "usage_usec 3\nuser_usec 1\nsystem_usec 2\n",
            "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=2\n8:16 rbytes=5\n",
        ]
        let statistics = CgroupStatistics(isUnified: true) { files[$1] }
        #expect(statistics.memory.commitPeak == 9000 && statistics.memory.privateWorkingSet == 0)
        #expect(statistics.processor.total == 3000 && statistics.processor.kernel == 2000)
        #expect(statistics.storage.readBytes == 15 && statistics.storage.writeCount == 2)
        #expect(
            CgroupStatistics(isUnified: true) { _, _ in "garbage \u{0}" }
                == CgroupStatistics(isUnified: true) { _, _ in nil })
    }

    @Test func limitsOfAnUpdate() throws {
        let json = try #require(
            JSONParser.parse(
                #"{"memory":{"limit":67108864},"cpu":{"quota":50000,"period":100000,"shares":512,"count":2},"pids":{"limit":77},"storage":{"iops":1}}"#
            ))
        let first = CgroupLimits(json, isUnified: false)
        #expect(first.ignored == ["cpu.count", "storage"])
        #expect(first.changes.map(\.field) == ["memory.limit", "cpu.shares", "cpu.period", "cpu.quota", "pids.limit"])
        #expect(first.changes.last?.writes == [.init(file: "pids.max", text: "77")])
        let second = CgroupLimits(json, isUnified: true)
        #expect(second.changes.first?.writes == [.init(file: "memory.max", text: "67108864")])
        #expect(
            second.changes.first { $0.field == "cpu.quota" }?.writes == [.init(file: "cpu.max", text: "50000 100000")])
        #expect(second.changes.first { $0.field == "cpu.shares" }?.writes == [.init(file: "cpu.weight", text: "20")])
        #expect(CgroupLimits(["memory": ["limit": -1]], isUnified: true).changes.first?.writes.first?.text == "max")
        #expect(CgroupLimits([:], isUnified: true).changes.isEmpty)
    }

    @Test func aProcessInProc() throws {
        let line = "42 (a b) c) S 7 42 42 0 -1 4194560 1 0 0 0 11 12 0 0 20 0 1 0 9876 1000 2 18446744073709551615"
        let status = try #require(ProcessStatus(stat: line))
        #expect(status.name == "a b) c" && status.state == "S" && status.parent == 7)
        #expect(status.userTicks == 11 && status.kernelTicks == 12 && status.startTicks == 9876)
        #expect(ProcessStatus(stat: "42 (x) S 1") == nil && ProcessStatus(stat: ") (") == nil)
        #expect(ProcessStatus.bytes("RssAnon", in: "Name:\tx\nRssAnon:\t     12 kB\n") == 12_288)
    }

    @Test func devicesOfANetwork() {
        let text = """
            Inter-|   Receive                                                |  Transmit
             face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                lo:     1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0
              eth0:  1000 10 0 3 0 0 0 0 2000 20 0 4 0 0 0 0
            """
        let endpoints = NetworkCounters.read(text)
        #expect(endpoints.map(\.endpoint) == ["eth0"])
        #expect(endpoints.first?.bytesReceived == 1000 && endpoints.first?.packetsSent == 20)
        #expect(endpoints.first?.droppedIncoming == 3 && endpoints.first?.droppedOutgoing == 4)
    }

    @Test func signalsByNameAndNumber() throws {
        #expect(try SignalNumbers.number(.name("SIGUSR1")) == 10 && SignalNumbers.number(.name("kill")) == 9)
        #expect(try SignalNumbers.number(.name("RTMIN+3")) == 37 && SignalNumbers.number(.graceful) == 15)
        for signal in [Signal.number(0), .number(65), .name("CtrlC"), .name("RTMIN+99")] {
            #expect(throws: DriverFailure.self) { try SignalNumbers.number(signal) }
        }
    }

    @Test func exitsByWaitStatus() {
        func exit(_ status: Int32, oom: Bool = false, terminated: Bool = false) -> Exit {
            ExitStatus.exit(status, isOutOfMemory: oom, isTerminated: terminated, at: .epoch, observedBy: .driver)
        }
        #expect(exit(137 << 8).reason == .exited && exit(137 << 8).code == 137)
        #expect(exit(9).reason == .signalled && exit(9).code == 137)
        #expect(exit(9, oom: true).reason == .oom && exit(9, terminated: true).reason == .terminated)
        #expect(exit(15, terminated: true).reason == .signalled && exit(0, oom: true).reason == .exited)
        #expect(exit(0x80 | 11).code == 139)
    }

    @Test func recordsAreReadAgain() {
        var file = ContainerFile(owner: "o", boot: "b", runtime: "/usr/bin/crun")
        file.phase = .started
        file.namespace = "/run/x"
        file.startedAt = .max
        #expect(ContainerFile(file.bytes) == file)
        #expect(ContainerFile([]) == nil && ContainerFile(Array(#"{"version":2}"#.utf8)) == nil)
    }

    @Test func runtimesAndTheirLogs() {
        let runc = Runtime(path: "/r", output: "runc version 1.1.5+ds1\ncommit: x\n")
        #expect(
            runc.kind == .runc && runc.startWay(hasHooks: false) == .fifoRead
                && runc.startWay(hasHooks: true) == .command)
        #expect(Runtime(path: "/r", output: "crun version 1.8.1").startWay(hasHooks: false) == .fifoWrite)
        #expect(Runtime(path: "/r", output: "crun version 1.20").startWay(hasHooks: false) == .command)
        #expect(Runtime(path: "/r", output: "").kind == .other)
        let log = #"{"level":"warning","msg":"w"}"# + "\n" + #"{"level":"error","msg":"exec: no such file"}"# + "\n"
        #expect(RuntimeLog.reason(log) == "exec: no such file")
        #expect(RuntimeLog.reason("plain\n") == "plain" && RuntimeLog.reason(nil) == nil)
    }

    @Test func networksOfPlugins() throws {
        let list =
            #"{"cniVersion":"0.4.0","name":"lan","plugins":[{"type":"bridge","ipMasq":true},{"type":"loopback"}]}"#
        let network = try #require(CNIConfiguration(Array(list.utf8), name: "lan"))
        let request = JSONParser.parse(network.request(network.plugins[0], ["ips": []]))
        #expect(request?["name"] == "lan" && request?["type"] == "bridge" && request?["prevResult"] == ["ips": []])
        #expect(CNIConfiguration(Array(list.utf8), name: "other") == nil)
        #expect(CNIConfiguration(Array(#"{"name":"lan","type":"../x"}"#.utf8), name: "lan") == nil)
    }

    @Test func layersAndFolders() throws {
        let options = try OverlayOptions(layers: ["/base", "/top"], upper: "/u", work: "/w")
        #expect(options.text == "lowerdir=/top:/base,upperdir=/u,workdir=/w")
        #expect(throws: DriverFailure.self) {
            try OverlayOptions(
                layers: Array(repeating: "/" + String(repeating: "x", count: 100), count: 50), upper: "/u", work: "/w")
        }
        #expect(
            HostFolder("relative") == nil && HostFolder("/a/:ro")?.path == "/a" && HostFolder("/")?.holds("/x") == true)
    }
}
