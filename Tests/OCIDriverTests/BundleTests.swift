import ContainerDriver
import ContainerModel
import Testing

@testable import OCIDriver

/// What becomes of a specification: passed, forced, refused, ignored.
struct BundleTests {
    static let facts = BundleFacts(
        cgroupsPath: "/windlass/o/web", hasUnifiedCgroups: false,
        resolve: { path in path == "/link" ? "/srv/data" : path.hasPrefix("/absent") ? nil : path },
        isFolder: { !$0.hasPrefix("/file") })

    static func bundle(
        _ text: String, _ policy: BundlePolicy = BundlePolicy(), facts: BundleFacts = facts
    ) throws -> BundleConfiguration {
        let id = try #require(ContainerID("web"))
        let specification = try #require(JSONParser.parse(text), "the test's JSON")
        return try BundleConfiguration(id, specification, policy: policy, facts: facts)
    }

    /// The least that is accepted, with more.
    static func least(_ more: String = "", process: String = "") -> String {
        #"{"process": {"args": ["/bin/sh"]\#(process)}, "root": {"path": "/srv/root"}\#(more)}"#
    }

    private func code(_ text: String, _ policy: BundlePolicy = BundlePolicy()) -> DriverFailure.Code? {
        do {
            _ = try Self.bundle(text, policy)
            return nil
        } catch {
            return (error as? DriverFailure)?.code
        }
    }

    @Test func theLeastHasDefaults() throws {
        let bundle = try Self.bundle(Self.least())
        let document = bundle.complete(root: "/srv/root")
        #expect(document["ociVersion"] == "1.0.2" && document["hostname"] == "web")
        #expect(document["root"]?["path"] == "/srv/root" && document["root"]?["readonly"] == false)
        #expect(document["process"]?["cwd"] == "/")
        #expect(document["process"]?["env"]?.strings?.first?.hasPrefix("PATH=") == true)
        #expect(document["process"]?["capabilities"]?["bounding"]?.strings == BundlePolicy.ordinaryCapabilities)
        #expect(document["process"]?["noNewPrivileges"] == true)
        let mounts = document["mounts"]?.array?.compactMap { $0["destination"]?.string }
        #expect(mounts == ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"])
        let namespaces = document["linux"]?["namespaces"]?.array?.compactMap { $0["type"]?.string }
        #expect(namespaces == ["pid", "ipc", "uts", "mount", "network"])
        #expect(document["linux"]?["cgroupsPath"] == "/windlass/o/web")
        #expect(document["linux"]?["resources"]?["devices"]?.array?.first == BundleDefaults.noDevices)
        #expect(document["linux"]?["maskedPaths"]?.strings == BundleDefaults.maskedPaths)
        #expect(bundle.ignored.isEmpty && bundle.warnings.isEmpty && bundle.root == .folder("/srv/root"))
        #expect(bundle.hasOwnProcesses && !bundle.hasTerminal && bundle.network == .none)
    }

    @Test func whatRuntimesReadGoesThrough() throws {
        let bundle = try Self.bundle(
            Self.least(
                #"""
                , "hostname": "h", "annotations": {"a": "b"},
                "mounts": [{"destination": "/t", "type": "tmpfs", "options": ["size=1m"]}],
                "linux": {"resources": {"memory": {"limit": 1048576}, "pids": {"limit": 5}}, "sysctl": {"net.ipv4.ip_forward": "1"}}
                """#,
                process:
                    #", "user": {"uid": 7, "additionalGids": [8]}, "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1, "hard": 2}]"#
            ))
        let document = bundle.complete(root: "/r")
        #expect(document["process"]?["user"]?["uid"] == 7 && document["process"]?["user"]?["gid"] == 0)
        #expect(document["process"]?["rlimits"]?.array?.count == 1)
        #expect(document["linux"]?["resources"]?["memory"]?["limit"] == 1_048_576)
        #expect(document["linux"]?["sysctl"]?["net.ipv4.ip_forward"] == "1")
        #expect(document["mounts"]?.array?.last?["destination"] == "/t")
        #expect(document["annotations"]?["a"] == "b" && bundle.ignored.isEmpty)
    }

    @Test func aSpecificationWithItsOwnProcIsComplete() throws {
        let bundle = try Self.bundle(
            Self.least(#", "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}]"#))
        #expect(bundle.complete(root: "/r")["mounts"]?.array?.count == 1)
    }

    @Test func whatReachesNoRuntimeIsReported() throws {
        let bundle = try Self.bundle(
            Self.least(
                #", "windows": {}, "vm": {}, "linux": {"cgroupsPath": "/x", "intelRdt": {}, "resources": {"unified": {"a": "b"}, "cpu": {"count": 1}}}"#,
                process: #", "commandLine": "x""#))
        #expect(
            Set(bundle.ignored) == [
                "windows", "vm", "linux.cgroupsPath", "linux.intelRdt", "linux.resources.cpu.count",
                "process.commandLine", "linux.resources.unified",
            ])
        #expect(bundle.warnings.count == 2)
    }

    /// Parts of a specification that an operator has to allow, and how.
    private static let refused: [(more: String, process: String, allowed: BundlePolicy)] = [
        (#", "hooks": {"prestart": [{"path": "/x"}]}"#, "", BundlePolicy(allowed: [.hooks])),
        (#", "linux": {"devices": [{"path": "/dev/sda"}]}"#, "", BundlePolicy(allowed: [.devices])),
        (
            #", "linux": {"resources": {"devices": [{"allow": true, "access": "rwm"}]}}"#, "",
            BundlePolicy(allowed: [.devices])
        ),
        (
            #", "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]}"#, "",
            BundlePolicy(allowed: [.hostNetwork])
        ),
        (#", "annotations": {"windlass.network": "host"}"#, "", BundlePolicy(allowed: [.hostNetwork])),
        (
            #", "linux": {"namespaces": [{"type": "mount"}, {"type": "ipc"}, {"type": "uts"}, {"type": "network"}]}"#,
            "",
            BundlePolicy(allowed: [.hostNamespaces])
        ),
        (
            #", "annotations": {"windlass.network": "netns:/proc/1/ns/net"}"#, "",
            BundlePolicy(allowed: [.hostNamespaces])
        ),
        (#", "linux": {"seccomp": {"listenerPath": "/x"}}"#, "", BundlePolicy(allowed: [.seccompListener])),
        (#", "linux": {"rootfsPropagation": "shared"}"#, "", BundlePolicy(allowed: [.anyMount])),
        (#", "mounts": [{"destination": "/p", "type": "proc"}]"#, "", BundlePolicy(allowed: [.anyMount])),
        (#", "mounts": [{"destination": "/sys", "type": "sysfs"}]"#, "", BundlePolicy(allowed: [.anyMount])),
        (#", "mounts": [{"destination": "/c", "type": "cgroup"}]"#, "", BundlePolicy(allowed: [.anyMount])),
        (
            #", "mounts": [{"destination": "/d", "type": "ext4", "source": "/dev/sda"}]"#, "",
            BundlePolicy(allowed: [.anyMount])
        ),
        (
            #", "mounts": [{"destination": "/d", "type": "bind", "source": "/srv/data"}]"#, "",
            BundlePolicy(folders: [HostFolder("/srv")].compactMap(\.self))
        ),
        (
            #", "mounts": [{"destination": "/d", "source": "/link", "options": ["rbind", "ro"]}]"#, "",
            BundlePolicy(folders: [HostFolder("/srv/data:ro")].compactMap(\.self))
        ),
        ("", #", "capabilities": {"bounding": ["CAP_SYS_ADMIN"]}"#, BundlePolicy(capabilities: ["CAP_SYS_ADMIN"])),
        ("", #", "oomScoreAdj": -1"#, BundlePolicy(allowed: [.lowOOMScore])),
    ]

    @Test(arguments: refused.indices) func theOperatorAllowsIt(_ index: Int) throws {
        let (more, process, policy) = Self.refused[index]
        let text = Self.least(more, process: process)
        #expect(code(text) == .permissionDenied, "\(text)")
        #expect(code(text, policy) == nil, "\(text)")
    }

    @Test func aFolderThatMayBeReadMayNotBeWritten() throws {
        let text = Self.least(#", "mounts": [{"destination": "/d", "type": "bind", "source": "/srv/data"}]"#)
        let folders = try [#require(HostFolder("/srv/data:ro"))]
        #expect(code(text, BundlePolicy(folders: folders)) == .permissionDenied)
        let beside = try [#require(HostFolder("/srv/da"))]
        #expect(code(text, BundlePolicy(folders: beside)) == .permissionDenied)
    }

    @Test func noOneMayChangeTheHostsSysctls() {
        let text = Self.least(#", "linux": {"sysctl": {"kernel.core_pattern": "|/x"}}"#)
        #expect(code(text, BundlePolicy(allowed: Set(Permission.allCases))) == .permissionDenied)
    }

    @Test(arguments: ["/", "/etc", "/proc/1/root", "/var", "/usr/share/x", "/var/run/x"])
    func theHostsSystemIsNoRoot(_ path: String) throws {
        let text = #"{"process": {"args": ["/x"]}, "root": {"path": "\#(path)"}}"#
        #expect(code(text) == .permissionDenied)
        #expect(code(text, BundlePolicy(allowed: [.anyRoot])) == nil)
    }

    @Test(arguments: [
        #"{"root": {"path": "/srv/root"}}"#, #"{"process": {"args": []}, "root": {"path": "/srv/root"}}"#,
        #"{"process": {"args": ["/x"]}}"#, #"{"process": {"args": ["/x"]}, "root": {"path": "relative"}}"#,
        #"{"process": {"args": ["/x"]}, "root": {"path": "/absent"}}"#,
        #"{"process": {"args": ["/x"]}, "root": {"path": "/file"}}"#,
        #"{"process": {"args": ["/x"]}, "root": {"path": "/srv/a:b"}}"#,
        #"{"process": {"args": ["/x"], "cwd": "here"}, "root": {"path": "/srv/root"}}"#,
        #"{"process": {"args": ["/x"], "user": {"username": "me"}}, "root": {"path": "/srv/root"}}"#,
        #"{"process": {"args": ["/x"]}, "annotations": {"windlass.rootfs": "debian"}}"#,
        #"{"process": {"args": ["/x"]}, "annotations": {"windlass.layers": "/a"}}"#,
        #"{"process": {"args": ["/x"]}, "annotations": {"windlass.layers": "[]"}}"#,
        #"{"process": {"args": ["/x"]}, "root": {"path": "/r"}, "annotations": {"windlass.layers": "[\"/a\"]"}}"#,
        #"{"process": {"args": ["/x"]}, "root": {"path": "/r"}, "annotations": {"windlass.network": "bridge"}}"#,
        #"{"process": {"args": ["/x"]}, "root": {"path": "/r"}, "annotations": {"windlass.network": "cni:../x"}}"#,
    ])
    func whatCannotBeIsRefusedFirst(_ text: String) { #expect(code(text) == .invalidArgument) }

    @Test func theRootsThatThereAre() throws {
        let layers = try Self.bundle(
            #"{"process": {"args": ["/x"]}, "annotations": {"windlass.layers": "[\"/srv/base\", \"/srv/top\"]", "windlass.rootfs": "busybox"}}"#
        )
        #expect(layers.root == .layers(["/srv/base", "/srv/top"]))
        let busybox = try Self.bundle(
            #"{"process": {"args": ["/x"]}, "annotations": {"windlass.rootfs": "busybox"}, "root": {"readonly": true}}"#
        )
        #expect(busybox.root == .busybox && busybox.document["root"]?["readonly"] == true)
    }

    @Test func hiddenPathsStayHidden() throws {
        let text = Self.least(#", "linux": {"maskedPaths": ["/proc/mine"], "readonlyPaths": []}"#)
        let linux = try Self.bundle(text).document["linux"]
        #expect(linux?["maskedPaths"]?.strings == BundleDefaults.maskedPaths + ["/proc/mine"])
        #expect(linux?["readonlyPaths"]?.strings == BundleDefaults.readonlyPaths)
        let allowed = try Self.bundle(text, BundlePolicy(allowed: [.unmaskedPaths])).document["linux"]
        #expect(allowed?["readonlyPaths"]?.strings == [])
    }

    @Test func networksAndTheirNamespaces() throws {
        func network(_ text: String) throws -> BundleConfiguration {
            try Self.bundle(Self.least(#", "annotations": {"windlass.network": "\#(text)"}"#))
        }
        let prepared = try network("netns:/run/netns/a")
        let namespaces = prepared.document["linux"]?["namespaces"]?.array
        #expect(namespaces?.last == ["type": "network", "path": "/run/netns/a"])
        let cni = try network("cni:lan")
        #expect(cni.network == .cni(name: "lan"))
        let complete = cni.complete(root: "/r", namespace: "/run/w/netns/web")["linux"]?["namespaces"]?.array
        #expect(complete?.filter { $0["type"] == "network" } == [["type": "network", "path": "/run/w/netns/web"]])
    }

    @Test func aMountIsTheOneThatWasChecked() throws {
        let folders = try [#require(HostFolder("/srv"))]
        let bundle = try Self.bundle(
            Self.least(#", "mounts": [{"destination": "/d", "source": "/link"}]"#), BundlePolicy(folders: folders))
        let mount = bundle.document["mounts"]?.array?.last
        #expect(mount?["source"] == "/srv/data" && mount?["type"] == "bind" && mount?["options"]?.strings == ["rbind"])
    }
}
