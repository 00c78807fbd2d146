import ContainerDriver
import ContainerModel
import Foundation
import TestSupport
import Testing

@testable import OCIDriver

/// A driver with folders of its own, for one runtime. ``close()`` looks for what is left behind.
final class OCIHost {
    /// The runtimes that work here; none without root.
    static let runtimes: [String] = ["runc", "crun"].filter { name in
        guard geteuid() == 0 else { return false }
        let folder = FileManager.default.temporaryDirectory.path + "/oci-probe-\(name)-\(getpid())"
        let mounts = CgroupMounts(mountInfo: HostFile.text("/proc/self/mountinfo") ?? "")
        let probe = RuntimeProbe(
            folder: folder, root: BusyboxRoot(folder: folder + "-root"), mounts: mounts,
            group: "/windlass/probe-\(name)-\(getpid())")
        defer { FolderTree.remove(folder + "-root") }
        return (try? probe.find(name)) != nil
    }

    /// Beside the test bundle.
    static var supervisor: String {
        let bundle = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") }
        let folder = URL(fileURLWithPath: bundle ?? CommandLine.arguments[0]).deletingLastPathComponent().path
        for candidate in [folder, folder + "/..", ".build/debug"] {
            let path = candidate + "/windlass-supervisor"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return "/usr/local/bin/windlass-supervisor"
    }

    let folder: String
    var configuration: OCIConfiguration
    private(set) var instance: DriverConformance.Instance

    init(_ runtime: String, _ change: (inout OCIConfiguration) -> Void = { _ in }) throws {
        folder = "/tmp/oci-\(UUID().uuidString.prefix(8))"
        configuration = OCIConfiguration(
            owner: "windlass:test-\(UUID().uuidString.prefix(8))", stateDirectory: folder + "/state",
            supervisor: OCIHost.supervisor, runDirectory: folder + "/run")
        configuration.runtime = runtime
        change(&configuration)
        instance = DriverConformance.Instance(try OCIDriver(configuration))
    }

    var driver: OCIDriver {
        get throws { try #require(instance.driver as? OCIDriver) }
    }
    var exits: ExitRecorder { instance.exits }

    /// The driver of the next worker.
    func another() throws -> DriverConformance.Instance {
        instance = DriverConformance.Instance(try OCIDriver(configuration))
        return instance
    }

    static func id() throws -> ContainerID { try #require(ContainerID("c-\(UUID().uuidString.prefix(8))")) }

    /// A container of busybox that runs a script, with more of the specification as JSON.
    static func specification(
        _ script: String, _ more: [String: JSON] = [:], process: [String: JSON] = [:]
    ) -> OCISpecification {
        specification(OCIProcess(args: ["/bin/sh", "-c", script]), more, process: process)
    }

    static func specification(
        _ first: OCIProcess, _ more: [String: JSON] = [:], process: [String: JSON] = [:]
    ) -> OCISpecification {
        var (json, own) = (JSONObject(), JSONObject())
        own["args"] = JSON(first.args)
        for (key, value) in process { own[key] = value }
        json["process"] = .object(own)
        json["annotations"] = ["windlass.rootfs": "busybox"]
        for (key, value) in more { json[key] = value }
        var specification = OCISpecification()
        specification.process = first
        specification.document = JSON.object(json).text
        return specification
    }

    func run(
        _ specification: OCISpecification, stdin: Bool = false
    ) throws -> (id: ContainerID, output: RecordedOutput, started: StartedProcess) {
        let (id, output) = (try OCIHost.id(), RecordedOutput())
        _ = try driver.create(id, specification)
        let process = try #require(specification.process)
        return (id, output, try driver.start(id, process, stdin: stdin, output: output))
    }

    /// Discards every container; nothing of them may be left.
    func close() throws {
        for name in FolderTree.names(configuration.containers) {
            if let id = ContainerID(name) { try driver.discard(id) }
        }
        let left = FolderTree.names(configuration.containers)
        #expect(left.isEmpty, "\(left)")
        let mounts = HostFile.text("/proc/self/mountinfo", limit: 8 << 20) ?? ""
        #expect(!mounts.contains(folder), "a mount is left")
        for point in CgroupMounts(mountInfo: mounts).points {
            let group = point + configuration.group
            #expect(
                FolderTree.names(group).filter { FolderTree.isFolder(group + "/" + $0) }.isEmpty, "a cgroup is left")
        }
        for pid in FolderTree.names("/proc") where Int32(pid) != nil {
            let command = HostFile.text("/proc/\(pid)/cmdline", limit: 4096) ?? ""
            #expect(!command.contains(folder), "a process is left: \(command)")
        }
        try driver.close()
        #expect(!FolderTree.isFolder(configuration.runDirectory), "\(FolderTree.names(configuration.runDirectory))")
        FolderTree.remove(folder)
    }
}
