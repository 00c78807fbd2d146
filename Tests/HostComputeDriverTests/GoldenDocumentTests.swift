import CHostCompute
import ContainerDriver
import ContainerModel
import Foundation
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// Every document that the driver gives to HCS, byte for byte as a file in `Golden` says, which was written by hand from
/// HostComputeService D and F. Line breaks and the blanks that begin a line are the files' own; all else is the document's.
///
/// Where the client of Docker 1.13 and today's hcsshim differ, the choice is told here:
///
/// - Fields that 1.13 sends though they are empty (`IsDummy`, `IgnoreFlushesDuringBoot`, `HostName`,
///   `MappedDirectories` as `[]`, `EndpointList` as `null`, `Servicing`, `AllowUnqualifiedDNSQuery`, all of a process's)
///   are sent: today's client omits them, but only to newer builds, while every build has read them.
/// - `Owner` is the worker's own name, not `docker`: by it the worker finds its containers again, and only its own.
/// - `ProcessorMaximum` is what the caller gave, percent times 100, as today: 1.13 multiplied whole percents.
/// - One of count, weight and maximum, as today: what 1.13 sent together, newer builds refuse.
/// - `VolumePath` without its last backslash: the OCI specification has one, HCS wants none; 1.13's daemon gave none.
/// - No `SandboxPath`: 1.13 sent it with Hyper-V, it was unused and was removed (2f038c2586).
/// - `LayerFolderPath` with Hyper-V too: both clients' code sends it, against 1.13's comment.
/// - Mapped directories without `CreateInUtilityVM`: today's client always sends it, it came after 1.13 and is false.
/// - `NetworkSharedContainerName`, `DNSSearchList`, `MappedPipes`, `AssignedDevices`: 1.13 had none of them; they are
///   sent as today, omitted where empty, after 1.13's fields.
/// - `ConsoleSize` is `[0,0]` unless there is a console, as 1.13 forced it: today's client sends what it was given.
/// - The command line is escaped, as today; 1.13 joined with blanks. One that is given whole is sent as it is.
@Suite(.serialized) struct GoldenDocumentTests {
    private let volume = #"\\?\Volume{11111111-2222-3333-4444-555555555555}\"#

    /// A file's document.
    private func golden(_ name: String) throws -> String {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
        let text = try String(contentsOf: folder.appendingPathComponent(name + ".json"), encoding: .utf8)
        return text.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
    }

    private func build(_ id: String, _ specification: OCISpecification) throws -> String {
        let host = HostCompute(table: HostComputeEmulator.table)
        let facts = HostFacts(
            processors: 8, isFolder: { $0 == #"C:\d\base\UtilityVM"# },
            layerID: { path throws(HostComputeError) in try LayerIdentity.id(ofFolder: path, host: host) })
        let id = try #require(ContainerID(id))
        let built = try ContainerDocument.build(id, specification, owner: "windlass", facts: facts)
        return String(decoding: built.document.bytes, as: UTF8.self)
    }

    private func specification(_ layers: [String], hyperV: Bool = false) -> OCISpecification {
        var specification = OCISpecification()
        var windows = OCISpecification.Windows()
        windows.layerFolders = layers
        if hyperV { windows.hyperV = .init() } else { specification.root = .init(path: volume) }
        specification.windows = windows
        return specification
    }

    private func minimal() -> OCISpecification {
        var specification = specification([
            #"C:\d\65bf96e5760a09edf1790cb229e2dfb2dbd0fcdc0bf7451bae099106bfbfea0c"#, #"C:\d\ab12"#,
        ])
        specification.windows?.ignoreFlushesDuringBoot = true
        return specification
    }

    // MARK: Containers

    @Test func processIsolationMinimal() throws {
        #expect(try build("ab12", minimal()) == golden("container-process-minimal"))
    }

    @Test func processIsolationFull() throws {
        var specification = specification([#"C:\d\layer1"#, #"C:\d\é"#, #"C:\d\base"#, #"C:\d\scratch"#])
        specification.hostname = "web-1"
        specification.mounts = [
            .init(destination: #"C:\in"#, source: #"C:\out "quoted""#, options: ["rbind", "Ro"]),
            .init(destination: #"\\.\pipe\docker_engine"#, source: #"\\.\pipe\docker_engine"#),
            .init(destination: #"C:\data"#, source: #"D:\data"#),
        ]
        var resources = WindowsResources()
        // Units: bytes become whole MiB, what is left over is dropped; percent times 100 stays.
        resources.memoryLimit = 511 << 20 | 1 << 19
        resources.cpuMaximum = 3350
        resources.storageIOPS = 500
        resources.storageBytesPerSecond = 1 << 20
        resources.storageSandboxSize = 20 << 30
        specification.windows?.resources = resources
        specification.windows?.credentialSpec =
            #"{"CmsPlugins":["ActiveDirectory"],"DomainJoinConfig":{"MachineAccountName":"web"}}"#
        specification.windows?.devices = [
            .init(id: "5B45201D-F2F2-4F3B-85BB-30FF1F953599", idType: "class"),
            .init(id: "86E0D1E0-8089-11D0-9CE4-08003E301F73", idType: "vpci-class-guid"),
        ]
        var network = OCISpecification.Network()
        network.endpointList = ["8c1b9ab1-3a3e-4a5b-9f0e-0d4ad8e3c001", "8c1b9ab1-3a3e-4a5b-9f0e-0d4ad8e3c002"]
        network.allowUnqualifiedDNSQuery = true
        network.dnsSearchList = ["corp.example", "example"]
        network.networkSharedContainerName = "pod-1"
        specification.windows?.network = network
        #expect(try build("0123456789abcdef", specification) == golden("container-process-full"))
    }

    @Test func hyperV() throws {
        var specification = specification([#"C:\d\layer1"#, #"C:\d\base"#, #"C:\d\scratch"#], hyperV: true)
        var resources = WindowsResources()
        resources.memoryLimit = 1 << 30
        resources.cpuCount = 2
        specification.windows?.resources = resources
        #expect(try build("0123456789abcdef", specification) == golden("container-hyperv"))
    }

    @Test func servicing() throws {
        var specification = specification([#"C:\d\base"#, #"C:\d\ab12"#])
        specification.windows?.servicing = true
        var resources = WindowsResources()
        resources.cpuShares = 10_000
        specification.windows?.resources = resources
        #expect(try build("ab12_servicing", specification) == golden("container-servicing"))
    }

    // MARK: Processes

    @Test func processWithPipes() throws {
        var process = OCIProcess(args: [#"C:\p q\app.exe"#, "plain", "two words", "", #"quo"te"#, #"c:\end\"#])
        process.env = ["B=2", "A=1=1", "B=3"]
        process.cwd = #"C:\work"#
        process.username = "ContainerUser"
        // Not a terminal, so this size goes nowhere.
        process.consoleSize = .init(width: 80, height: 25)
        let document = try ProcessDocument(process, path: "spec.process", stdin: true)
        #expect(String(decoding: document.bytes, as: UTF8.self) == (try golden("process-pipes")))
    }

    @Test func processWithTerminal() throws {
        var process = OCIProcess(args: ["not used"])
        process.commandLine = #"cmd /S /C "dir && echo done""#
        process.terminal = true
        process.consoleSize = .init(width: 80, height: 25)
        let document = try ProcessDocument(process, path: "process", directory: #"C:\work"#, stdin: true)
        #expect(String(decoding: document.bytes, as: UTF8.self) == (try golden("process-terminal")))
    }

    @Test func processOfServicing() throws {
        let process = OCIProcess(args: ["cmd", "/c", "rem"])
        let document = try ProcessDocument(process, path: "spec.process", stdin: true, servicing: true)
        #expect(String(decoding: document.bytes, as: UTF8.self) == (try golden("process-servicing")))
    }

    // MARK: What reaches HCS

    /// A container that the recording service has started, with a terminal.
    private func started() throws -> (driver: HostComputeDriver, id: ContainerID, process: StartedProcess) {
        RecordingService.forget()
        let driver = try #require(RecordingService.driver())
        let id = try #require(ContainerID("ab12"))
        _ = try driver.create(id, minimal())
        var process = OCIProcess(args: ["not used"])
        process.commandLine = #"cmd /S /C "dir && echo done""#
        process.cwd = #"C:\work"#
        process.terminal = true
        process.consoleSize = .init(width: 80, height: 25)
        return (driver, id, try driver.start(id, process, stdin: true, output: OutputRecorder()))
    }

    private func expect(_ call: String, _ goldens: String..., at line: SourceLocation = #_sourceLocation) throws {
        #expect(RecordingService.documents(of: call) == (try goldens.map(golden)), "\(call)", sourceLocation: line)
    }

    @Test func aLife() throws {
        let (driver, id, _) = try started()
        #expect(RecordingService.documents(of: "id") == ["ab12"])
        try expect("HcsCreateComputeSystem", "container-process-minimal")
        try expect("HcsCreateProcess", "process-terminal")
        #expect(try driver.enumerate().ids == [])
        try expect("HcsEnumerateComputeSystems", "query-enumeration")
        try driver.probe()
        try expect("HcsGetServiceProperties", "query-service")
        _ = try driver.statistics(id)
        _ = try driver.processes(id)
        _ = try driver.shutDown(id)
        try expect(
            "HcsGetComputeSystemProperties", "query-statistics", "query-process-list", "query-pending-updates")
        // Options are an empty text, never NULL (HostComputeService A.1).
        for call in ["HcsStartComputeSystem", "HcsShutdownComputeSystem"] {
            #expect(RecordingService.documents(of: call) == [""])
        }
    }

    /// A plan is what a create then sends, and asks HCS for nothing but the layers' ids.
    @Test func aPlanIsWhatIsSent() throws {
        RecordingService.forget()
        let driver = try #require(RecordingService.driver())
        let id = try #require(ContainerID("ab12"))
        var specification = minimal()
        specification.windows?.credentialSpec = #"{"secret":1}"#
        let plan = try driver.plan(id, specification)
        #expect(RecordingService.documents(of: "HcsCreateComputeSystem").isEmpty)
        _ = try driver.create(id, specification)
        #expect(RecordingService.documents(of: "HcsCreateComputeSystem") == [plan.document])
        #expect(plan.document.contains("secret") && !plan.loggable.contains("secret"))
        #expect(plan.loggable.contains(#""Credentials":"(masked)""#))
        specification.process = OCIProcess(args: [])
        #expect(throws: DriverFailure.self) { try driver.plan(id, specification) }
        try driver.discard(id)
    }

    @Test func opening() throws {
        RecordingService.forget()
        let driver = try #require(RecordingService.driver())
        let id = try #require(ContainerID("ab12"))
        _ = try driver.open(id, [])
        try expect("HcsGetComputeSystemProperties", "query-basic")
        try driver.discard(id)
        #expect(RecordingService.documents(of: "HcsTerminateComputeSystem") == [""])
    }

    @Test func resize() throws {
        let (driver, id, _) = try started()
        try driver.resize(id, .initial, ConsoleSize(width: 80, height: 25))
        try expect("HcsModifyProcess", "modify-console-size")
        try driver.discard(id)
    }

    @Test func endOfInput() throws {
        let (driver, id, process) = try started()
        _ = try process.stdin.write([], end: true)
        // It is sent from another thread, when the local end is closed.
        #expect(RecordingService.waitForDocument(of: "HcsModifyProcess") == (try golden("modify-close-stdin")))
        try driver.discard(id)
    }

    @Test func signals() throws {
        let (driver, id, _) = try started()
        #expect(throws: DriverFailure.self) { try driver.signal(id, .initial, .number(0)) }
        try driver.signal(id, .initial, .name("CTRLC"))
        for number in [1, 2, 5, 6] { try driver.signal(id, .initial, .number(number)) }
        try expect(
            "HcsSignalProcess", "signal-ctrlc", "signal-ctrlbreak", "signal-ctrlclose", "signal-ctrllogoff",
            "signal-ctrlshutdown")
        try driver.discard(id)
    }

    @Test func limits() throws {
        let (driver, id, _) = try started()
        var resources = WindowsResources()
        // HCS takes an even number of MiB.
        resources.memoryLimit = 513 << 20
        resources.cpuCount = 2
        _ = try driver.update(id, .windows(resources))
        resources = WindowsResources()
        resources.cpuMaximum = 3350
        _ = try driver.update(id, .windows(resources))
        resources.cpuMaximum = nil
        resources.cpuShares = 250
        _ = try driver.update(id, .windows(resources))
        try expect(
            "HcsModifyComputeSystem", "modify-memory", "modify-processor-count", "modify-processor-maximum",
            "modify-processor-weight")
        try driver.discard(id)
    }

    @Test func network() throws {
        RecordingService.forget()
        let driver = try #require(RecordingService.driver())
        let id = try #require(ContainerID("ab12"))
        let endpoints = (1...3).map { "8c1b9ab1-3a3e-4a5b-9f0e-0d4ad8e3c00\($0)" }
        var specification = minimal()
        specification.windows?.network = .init()
        specification.windows?.network?.endpointList = [endpoints[0], endpoints[1]]
        _ = try driver.create(id, specification)
        // What it has already is left alone, in letters of either case; new ones come before old ones go.
        let wanted = [endpoints[1].uppercased(), endpoints[2]]
        let updated = try driver.update(id, .windows(WindowsResources(), endpoints: wanted))
        #expect(updated == UpdatedResources(applied: ["network.endpointList"], ignored: []))
        try expect("HcsModifyComputeSystem", "modify-network-add", "modify-network-remove")
        try driver.discard(id)
    }
}
