import ContainerDriver
import ContainerModel
import Foundation
import Testing

@testable import HostComputeDriver

@Suite struct DocumentTests {
    private let facts = HostFacts(processors: 4, isFolder: { $0 == #"C:\base\UtilityVM"# }, layerID: { "id-of-\($0)" })
    private let volume = #"\\?\Volume{11111111-2222-3333-4444-555555555555}"#

    private func specification() -> OCISpecification {
        var specification = OCISpecification()
        var windows = OCISpecification.Windows()
        windows.layerFolders = [#"C:\d\top"#, #"C:\base"#, #"C:\d\scratch"#]
        specification.windows = windows
        specification.root = .init(path: volume + "\\")
        return specification
    }

    private func build(
        _ specification: OCISpecification, id: String = "container-0123456789"
    ) throws -> ContainerDocument.Built {
        let id = try #require(ContainerID(id))
        return try ContainerDocument.build(id, specification, owner: "windlass", facts: facts)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func smallestProcessIsolated() throws {
        var specification = specification()
        specification.windows?.layerFolders = [#"C:\base"#, #"C:\d\ab12"#]
        specification.windows?.ignoreFlushesDuringBoot = true
        let built = try build(specification, id: "ab12")
        #expect(
            text(built.document.bytes)
                == #"{"SystemType":"Container","Name":"ab12","Owner":"windlass","#
                + #""VolumePath":"\\\\?\\Volume{11111111-2222-3333-4444-555555555555}","IgnoreFlushesDuringBoot":true,"#
                + #""LayerFolderPath":"C:\\d\\ab12","Layers":[{"ID":"id-of-C:\\base","Path":"C:\\base"}],"#
                + #""HvPartition":false}"#)
        #expect(built.isolation == .process)
        #expect(built.warnings.isEmpty && built.ignored.isEmpty)
    }

    @Test func everything() throws {
        var specification = specification()
        specification.hostname = "h"
        specification.mounts = [
            .init(destination: #"C:\in"#, source: #"C:\out"#, options: ["RO", "nosuid"]),
            .init(destination: #"\\.\pipe\docker"#, source: #"\\.\pipe\host"#),
        ]
        var resources = WindowsResources()
        resources.memoryLimit = 3 << 20 | 5
        resources.cpuCount = 9
        resources.storageIOPS = 10
        resources.storageBytesPerSecond = 11
        resources.storageSandboxSize = 12
        specification.windows?.resources = resources
        specification.windows?.devices = [.init(id: "guid", idType: "class")]
        specification.windows?.credentialSpec = #"{"a":1}"#
        specification.windows?.servicing = true
        var network = OCISpecification.Network()
        network.endpointList = ["e1", "e2"]
        network.allowUnqualifiedDNSQuery = true
        network.dnsSearchList = ["a.b", "c.d"]
        network.networkSharedContainerName = "other"
        specification.windows?.network = network
        specification.linux = .init()
        let built = try build(specification)
        #expect(
            text(built.document.bytes)
                == #"{"SystemType":"Container","Name":"container-0123456789","Owner":"windlass","#
                + #""VolumePath":"\\\\?\\Volume{11111111-2222-3333-4444-555555555555}","#
                + #""LayerFolderPath":"C:\\d\\scratch","Layers":["#
                + #"{"ID":"id-of-C:\\d\\top","Path":"C:\\d\\top"},{"ID":"id-of-C:\\base","Path":"C:\\base"}],"#
                + #""Credentials":"{\"a\":1}","ProcessorCount":4,"StorageIOPSMaximum":10,"#
                + #""StorageBandwidthMaximum":11,"StorageSandboxSize":12,"MemoryMaximumInMB":3,"HostName":"h","#
                + #""MappedDirectories":[{"HostPath":"C:\\out","ContainerPath":"C:\\in","ReadOnly":true,"#
                + #""BandwidthMaximum":0,"IOPSMaximum":0,"CreateInUtilityVM":false}],"#
                + #""MappedPipes":[{"HostPath":"\\\\.\\pipe\\host","ContainerPipeName":"docker"}],"HvPartition":false,"#
                + #""NetworkSharedContainerName":"other","EndpointList":["e1","e2"],"#
                + #""Servicing":true,"AllowUnqualifiedDNSQuery":true,"DNSSearchList":"a.b,c.d","#
                + #""AssignedDevices":[{"InterfaceClassGuid":"guid"}]}"#)
        #expect(built.warnings.count == 1)
        #expect(built.ignored == ["linux", "mounts[0].options.nosuid"])
    }

    @Test func hyperV() throws {
        var specification = specification()
        specification.root = nil
        specification.windows?.hyperV = .init()
        let built = try build(specification)
        #expect(built.isolation == .hyperV)
        #expect(built.document.utilityVM == #"C:\base\UtilityVM"#)
        #expect(
            text(built.document.bytes).contains(
                #""HvPartition":true,"HvRuntime":{"ImagePath":"C:\\base\\UtilityVM"}"#))
        #expect(!text(built.document.bytes).contains("VolumePath"))
        #expect(!text(built.document.bytes).contains("HostName"), "a name made of the id may be no valid one")
    }

    @Test(arguments: [
        ("root missing", "spec.root.path"), ("root without a GUID", "spec.root.path"),
        ("root with another GUID", "spec.root.path"), ("root of a drive", "spec.root.path"),
        ("root with a folder", "spec.root.path"), ("pipe without a name", "spec.mounts[0].destination"),
        ("device without an id", "spec.windows.devices[0].id"),
        ("layer without a name", "spec.windows.layerFolders[0]"),
        ("credential file", "spec.windows.credentialSpec"), ("credential registry", "spec.windows.credentialSpec"),
        ("root readonly", "spec.root.readonly"), ("one layer", "spec.windows.layerFolders"),
        ("mount type", "spec.mounts[0].type"), ("device type", "spec.windows.devices[0].idType"),
        ("hyperv root", "spec.root.path"), ("hyperv device", "spec.windows.devices"),
        ("hyperv no image", "spec.windows.layerFolders"),
        ("memory", "spec.windows.resources.memory.limit"), ("two limits", "spec.windows.resources.cpu"),
        ("weight", "spec.windows.resources.cpu.shares"), ("maximum", "spec.windows.resources.cpu.maximum"),
    ])
    func refuses(what: String, field: String) throws {
        var specification = specification()
        var resources = WindowsResources()
        switch what {
        case "root missing": specification.root = nil
        case "root without a GUID": specification.root?.path = #"\\?\Volume{x}\"#
        case "root with another GUID": specification.root?.path = #"\\?\Volume{11111111-2222-3333-4444-55555555555g}\"#
        case "root of a drive": specification.root?.path = #"C:\"#
        case "root with a folder": specification.root?.path = volume + #"\a\"#
        case "pipe without a name": specification.mounts = [.init(destination: #"\\.\pipe\"#, source: "b")]
        case "device without an id": specification.windows?.devices = [.init(id: "", idType: "class")]
        case "layer without a name": specification.windows?.layerFolders = [#"\"#, "b"]
        case "credential file": specification.windows?.credentialSpec = "file://a.json"
        case "credential registry": specification.windows?.credentialSpec = "registry://a"
        case "root readonly": specification.root?.readonly = true
        case "one layer": specification.windows?.layerFolders = ["a"]
        case "mount type": specification.mounts = [.init(destination: "a", source: "b", type: "bind")]
        case "device type": specification.windows?.devices = [.init(id: "a", idType: "b")]
        case "hyperv root": specification.windows?.hyperV = .init()
        case "hyperv device":
            specification.root = nil
            specification.windows?.hyperV = .init()
            specification.windows?.devices = [.init(id: "a", idType: "class")]
        case "hyperv no image":
            specification.root = nil
            specification.windows?.layerFolders = ["a", "b"]
            specification.windows?.hyperV = .init()
        case "memory": resources.memoryLimit = 1 << 20 - 1
        case "two limits":
            resources.cpuCount = 1
            resources.cpuShares = 1
        case "weight": resources.cpuShares = 10_001
        default: resources.cpuMaximum = 10_001
        }
        specification.windows?.resources = resources
        let failure = try #require(throws: DriverFailure.self) { try self.build(specification) }
        #expect(failure.message.contains(field), "\(failure)")
        #expect(failure.code == (what == "hyperv no image" ? .notFound : .invalidArgument))
    }

    /// The OCI specification ends the volume with a backslash; what GetLayerMountPath answers has none.
    @Test(arguments: ["", "\\"]) func theVolumeIsSentWithoutABackslash(end: String) throws {
        var specification = specification()
        let upper = #"\\?\Volume{ABCDEF01-2222-3333-4444-55555555abcd}"#
        specification.root?.path = upper + end
        #expect(try build(specification).document.volumePath == upper)
    }

    @Test func aUtilityVMThatIsNamedIsUsed() throws {
        var specification = specification()
        specification.root = nil
        specification.windows?.hyperV = .init(utilityVMPath: #"D:\vm"#)
        #expect(try build(specification).document.utilityVM == #"D:\vm"#)
    }

    /// Any error was taken for "there is no UtilityVM folder here".
    @Test func aLayerThatCannotBeLookedAtIsReported() throws {
        var specification = specification()
        specification.root = nil
        specification.windows?.hyperV = .init()
        let facts = HostFacts(
            processors: 4,
            isFolder: { path throws(HostComputeError) in
                guard path == #"C:\d\top\UtilityVM"# else { return true }
                throw HostComputeError("looking for a folder", .unreadable(error: 5))
            }, layerID: { $0 })
        let id = try #require(ContainerID("vm"))
        let failure = try #require(throws: DriverFailure.self) {
            try ContainerDocument.build(id, specification, owner: "windlass", facts: facts)
        }
        #expect(failure.code == .failedPrecondition)
        #expect(failure.message.contains(#"C:\d\top\UtilityVM"#) && failure.message.contains("(error 5)"))
    }

    @Test func aFolderOfThisHost() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("folders-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: folder + "/file"))
        try FileManager.default.createSymbolicLink(atPath: folder + "/loop", withDestinationPath: "loop")
        #expect(try HostFacts.isFolder(folder))
        for name in ["/file", "/file/below", "/missing"] { #expect(try !HostFacts.isFolder(folder + name)) }
        for name in ["/loop", "/" + String(repeating: "n", count: 5000)] {
            let error = try #require(throws: HostComputeError.self) { try HostFacts.isFolder(folder + name) }
            #expect(error.failure("a layer").code == .failedPrecondition)
        }
    }

    @Test func aLayersSeparatorsAreWindowsOwn() throws {
        var specification = specification()
        specification.windows?.layerFolders = [#"C:\d\top\"#, "C:/base/", "s"]
        specification.root = nil
        specification.windows?.hyperV = .init()
        let document = try build(specification).document
        #expect(document.utilityVM == #"C:\base\UtilityVM"#)
        #expect(
            document.layers.map(\.id) == [#"id-of-C:\d\top"#, "id-of-C:/base"], "the id is made of the last component")
    }

    /// What changes what the container can do is a warning; it was only listed as ignored.
    @Test func whatIsNotHonouredIsAWarning() throws {
        var specification = specification()
        var network = OCISpecification.Network()
        network.networkNamespace = "n"
        specification.windows?.network = network
        var resources = WindowsResources()
        resources.hasAffinity = true
        resources.memoryLimit = 0
        specification.windows?.resources = resources
        var built = try build(specification)
        #expect(built.warnings.count == 2)
        #expect(built.warnings[0].contains("networkNamespace") && built.warnings[0].contains("no network"))
        #expect(built.warnings[1].contains("affinity"))
        #expect(built.ignored == ["windows.network.networkNamespace", "windows.resources.cpu.affinity"])
        #expect(built.document.memoryMaximumInMB == 0, "zero is no limit, as for processors")
        specification.windows?.network?.endpointList = ["e"]
        built = try build(specification)
        #expect(built.warnings[0].contains("networkNamespace") && !built.warnings[0].contains("no network"))
    }

    /// They were dropped without a word, or got an empty name.
    @Test(arguments: ["nothing", "", "=value", "=C:=C:\\"])
    func anEnvironmentEntryWithoutANameIsRefused(entry: String) throws {
        var process = OCIProcess(args: ["p"])
        process.env = ["A=1", entry]
        let failure = try #require(throws: DriverFailure.self) {
            try ProcessDocument(process, path: "spec.process", stdin: false)
        }
        #expect(failure.code == .invalidArgument && failure.message.contains("spec.process.env"))
    }

    @Test func process() throws {
        var process = OCIProcess(args: [#"C:\p q.exe"#, "a"])
        process.env = ["B=2", "A=1=1", "B=3"]
        process.cwd = #"C:\w"#
        process.username = "u"
        process.consoleSize = .init(width: 80, height: 25)
        var document = try ProcessDocument(process, path: "spec.process", stdin: true)
        #expect(
            text(document.bytes)
                == #"{"CommandLine":"\"C:\\p q.exe\" a","User":"u","WorkingDirectory":"C:\\w","#
                + #""Environment":{"A":"1=1","B":"3"},"CreateStdInPipe":true,"#
                + #""CreateStdOutPipe":true,"CreateStdErrPipe":true,"ConsoleSize":[0,0]}"#)
        process.terminal = true
        process.cwd = ""
        process.commandLine = "whole line"
        document = try ProcessDocument(process, path: "spec.process", directory: #"C:\init"#, stdin: false)
        #expect(
            text(document.bytes)
                == #"{"CommandLine":"whole line","User":"u","WorkingDirectory":"C:\\init","#
                + #""Environment":{"A":"1=1","B":"3"},"EmulateConsole":true,"#
                + #""CreateStdOutPipe":true,"ConsoleSize":[25,80]}"#)
    }

    @Test func processWithoutArguments() throws {
        let failure = try #require(throws: DriverFailure.self) {
            try ProcessDocument(OCIProcess(), path: "spec.process", stdin: false)
        }
        #expect(failure.code == .invalidArgument)
        #expect(failure.message.hasPrefix("spec.process.args is missing"))
    }

    @Test(arguments: [
        (#"C:\a\b"#, "b"), ("/a/b.c", "b.c"), (#"C:\a\"#, ""), ("C:name", "name"), ("name", "name"), (#"a/b\c"#, "c"),
    ])
    func layerNames(path: String, name: String) {
        #expect(LayerIdentity.name(ofFolder: path) == name)
    }
}
