import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

/// OCI specifications: what is read, what is ignored and named, what is refused.
struct SpecificationTests {
    @Test func whatIsHonouredIsRead() throws {
        let (specification, ignored) = try OCISpecification.read([
            "ociVersion": "1.2.0", "hostname": "h", "root": ["path": "p", "readonly": true],
            "process": [
                "args": ["a", "b"], "env": ["X=1"], "cwd": "/", "terminal": true, "user": ["username": "u"],
                "consoleSize": ["width": 80, "height": 25],
            ],
            "mounts": [["destination": "d", "source": "s", "options": ["ro"]]],
            "windows": [
                "layerFolders": ["l1", "l2"], "hyperv": [:], "servicing": true,
                "resources": ["cpu": ["count": 2], "memory": ["limit": 1_073_741_824], "storage": ["iops": 5]],
                "network": ["endpointList": ["e"], "DNSSearchList": ["d"]],
                "devices": [["id": "g", "idType": "class"]],
            ],
        ])
        #expect(ignored.isEmpty)
        #expect(specification.process?.args == ["a", "b"])
        #expect(specification.process?.consoleSize == ConsoleSize(width: 80, height: 25))
        #expect(specification.windows?.layerFolders == ["l1", "l2"])
        #expect(specification.windows?.resources?.cpuCount == 2)
        #expect(specification.windows?.hyperV != nil)
        #expect(specification.root == OCISpecification.Root(path: "p", readonly: true))
        #expect(specification.mounts.first?.options == ["ro"])
    }

    @Test func whatIsUnknownIsNamedOnce() throws {
        let (_, ignored) = try OCISpecification.read([
            "annotations": ["a": "b"], "process": ["args": ["x"], "rlimits": [], "user": ["uid": 0]],
            "linux": ["seccomp": [:], "resources": ["cpu": ["cpus": "0"]]],
        ])
        #expect(
            ignored.sorted() == [
                "annotations", "linux.resources.cpu.cpus", "linux.seccomp", "process.rlimits", "process.user.uid",
            ])
    }

    @Test(
        arguments: [
            (["process": 1], "spec.process"), (["process": ["args": "x"]], "spec.process.args"),
            (["process": ["args": ["a\0b"]]], "spec.process.args[0]"),
            (["process": ["env": ["A", 1]]], "spec.process.env[1]"),
            (["process": ["env": ["A=1", "A"]]], "spec.process.env[1]"),
            (["process": ["env": ["=1"]]], "spec.process.env[0]"), (["process": ["env": [""]]], "spec.process.env[0]"),
            (["process": ["env": ["A=\0"]]], "spec.process.env[0]"), (["process": ["cwd": "/\0"]], "spec.process.cwd"),
            (["process": ["commandLine": "a\0"]], "spec.process.commandLine"),
            (["process": ["user": ["username": "u\0"]]], "spec.process.user.username"),
            (["hostname": "h\0"], "spec.hostname"), (["root": ["path": "p\0"]], "spec.root.path"),
            (["mounts": [["source": "s", "destination": "d", "options": ["ro\0"]]]], "spec.mounts[0].options[0]"),
            (["process": ["consoleSize": ["width": 70_000]]], "spec.process.consoleSize.width"),
            (["mounts": [["source": "s"]]], "spec.mounts[0].destination"),
            (["windows": ["layerFolders": [1]]], "spec.windows.layerFolders[0]"),
            (["windows": ["resources": ["memory": ["limit": .double(1)]]]], "spec.windows.resources.memory.limit"),
            (["root": ["readonly": "no"]], "spec.root.readonly"),
        ] as [(Value, String)])
    func refusedByPath(_ value: Value, _ path: String) throws {
        let failure = try #require(throws: Failure.self) { _ = try OCISpecification.read(value) }
        #expect(failure.code == .invalidArgument && failure.message.contains(path), "\(failure)")
    }

    @Test func theEnvironmentOfAnExecIsReadTheSameWay() throws {
        #expect(try OCIProcess.read(["env": ["A=", "B=1=2"]]).process.env == ["A=", "B=1=2"])
        let failure = try #require(throws: Failure.self) { _ = try OCIProcess.read(["env": ["B"]]) }
        #expect(failure.code == .invalidArgument && failure.message.contains("spec.env[0]"), "\(failure)")
    }

    @Test func whatIsCutFromTheIgnoredIsSaid() throws {
        var many: Value.Map = [:]
        for number in 0..<300 { many["key\(number)"] = 1 }
        let long = String(repeating: "ä", count: 100)
        let (_, ignored) = try OCISpecification.read(.map(["process": .map(many), long: 1]))
        #expect(ignored.count == 257 && ignored.last == "and 45 more")
        #expect(ignored.first == "process.key0" && ignored[255] == "process.key255")
        let (_, exact) = try OCIProcess.read(.map(many.filter { $0.key != "key0" && $0.key.utf8.count < 6 }))
        #expect(exact.count == 99 && exact.last == "key99")
        let (_, cut) = try OCISpecification.read(.map([long: 1]))
        #expect(cut == [String(repeating: "ä", count: 64) + "…"])
        let (_, resources) = try OCIResources.read(.map(many))
        #expect(resources.count == 257 && resources.first == "key0" && resources.last == "and 44 more")
        // What looks like one letter may be very long.
        let (_, accented) = try OCISpecification.read(.map(["x" + String(repeating: "\u{301}", count: 10_000): 1]))
        #expect(accented.count == 1 && accented[0].utf8.count < 200)
    }

    @Test func resourcesAreOfThePlatformWhoseFieldsTheyHave() throws {
        guard case .windows(let windows, nil) = try OCIResources.read(["cpu": ["maximum": 100]]).resources,
            case .linux(let linux) = try OCIResources.read(["cpu": ["quota": 5], "memory": ["limit": -1]]).resources
        else {
            Issue.record("the wrong platform")
            return
        }
        #expect(windows.cpuMaximum == 100 && linux.cpuQuota == 5 && linux.memoryLimit == -1)
    }

    /// The network is beside the resources in a specification, so its place in an update is said here.
    @Test func theEndpointsOfAnUpdate() throws {
        func read(_ value: Value) throws -> (OCIResources, [String]) { try OCIResources.read(value) }
        #expect(try read([:]).0 == .windows(WindowsResources(), endpoints: nil))
        #expect(try read(["network": [:]]).0 == .windows(WindowsResources(), endpoints: nil))
        #expect(try read(["network": ["endpointList": []]]).0 == .windows(WindowsResources(), endpoints: []))
        let (resources, ignored) = try read([
            "cpu": ["shares": 5], "network": ["endpointList": ["a", "b"], "DNSSearchList": ["c"]], "other": 1,
        ])
        var limits = WindowsResources()
        limits.cpuShares = 5
        #expect(resources == .windows(limits, endpoints: ["a", "b"]))
        #expect(ignored.sorted() == ["network.DNSSearchList", "other"])
        for wrong: Value in [1, ["endpointList": "a"], ["endpointList": [1]], ["endpointList": ["a", ""]]] {
            let failure = try #require(throws: Failure.self) { _ = try read(["network": wrong]) }
            #expect(failure.code == .invalidArgument && failure.message.contains("resources.network"), "\(failure)")
        }
        // Linux has no such endpoints; there it is one of the keys that nothing honours.
        let linux = try read(["pids": ["limit": 5], "network": ["endpointList": ["a"]]])
        #expect(linux.1 == ["network"])
    }

    /// The OCI specification describes it as an object, HCS takes its JSON.
    @Test func aCredentialSpecificationIsAnObjectOrText() throws {
        let object: Value = [
            "CmsPlugins": ["ActiveDirectory"],
            "Depth": ["x": 1, "y": -2, "z": .bool(true), "n": nil, "t": "a\"\\\n\u{1}é"],
        ]
        let (specification, ignored) = try OCISpecification.read(["windows": ["credentialSpec": object]])
        #expect(
            specification.windows?.credentialSpec
                == #"{"CmsPlugins":["ActiveDirectory"],"Depth":{"x":1,"y":-2,"z":true,"n":null,"t":"a\"\\\u000a\u0001é"}}"#
        )
        #expect(ignored.isEmpty, "nothing in it is this worker's to read")
        let text: Value = ["windows": ["credentialSpec": "{}"]]
        #expect(try OCISpecification.read(text).specification.windows?.credentialSpec == "{}")
        for wrong in [1, ["a"], ["a": .binary([1])]] as [Value] {
            let failure = try #require(throws: Failure.self) {
                try OCISpecification.read(["windows": ["credentialSpec": wrong]])
            }
            #expect(failure.message.contains("spec.windows.credentialSpec"))
        }
    }

    @Test(arguments: ["1.0.0", "1.2.1", "1.0.0-rc5"]) func itsVersionIsOne(version: String) throws {
        _ = try OCISpecification.read(["ociVersion": .string(version)])
    }

    @Test(arguments: ["9.0.0", "0.5.0", "2", "", "one"]) func anotherVersionIsRefused(version: String) throws {
        let failure = try #require(throws: Failure.self) { try OCISpecification.read(["ociVersion": .string(version)]) }
        #expect(failure.code == .invalidArgument && failure.message.contains("spec.ociVersion"))
    }
}
