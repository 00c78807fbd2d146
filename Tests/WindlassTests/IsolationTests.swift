import ArgumentParser
import ContainerProtocol
import MessagePack
import Testing

@testable import windlass

/// What options for isolation become in an OCI specification.
struct IsolationTests {
    private func patch(_ arguments: String...) throws -> Value {
        .map(try IsolationOptions.parse(arguments).patch(folder: "/here", .linux))
    }

    @Test func theRootAndItsLayers() throws {
        #expect(
            try patch("--rootfs", "root", "--read-only", "--hostname", "box")
                == ["root": ["path": "/here/root", "readonly": true], "hostname": "box"])
        #expect(
            try patch("--layer", "/base", "--layer", "top", "--network", "cni:web") == [
                "annotations": ["windlass.network": "cni:web", "windlass.layers": #"["/base","/here/top"]"#]
            ])
        #expect(try patch("--net", "none") == ["annotations": ["windlass.network": "none"]])
        #expect(try patch() == [:])
    }

    @Test(arguments: ["bridge", "container:web", "netns:relative", "cni:", "cni:a/b", "host:1", ""])
    func networksThatThereAreNot(_ text: String) {
        #expect(throws: ValidationError.self) { try NetworkArgument(text) }
    }

    @Test func mounts() throws {
        #expect(
            try patch(
                "-v", "/a:/b", "-v./c:/d:ro", "--tmpfs", "/run:size=1m", "--mount", "type=bind,src=../e,dst=/f,readonly"
            )
                == [
                    "mounts": [
                        ["destination": "/b", "type": "bind", "source": "/a", "options": ["rbind", "rw"]],
                        ["destination": "/d", "type": "bind", "source": "/here/c", "options": ["rbind", "ro"]],
                        ["destination": "/f", "type": "bind", "source": "/e", "options": ["rbind", "ro"]],
                        [
                            "destination": "/run", "type": "tmpfs", "source": "tmpfs",
                            "options": ["nosuid", "nodev", "size=1m"],
                        ],
                    ]
                ])
    }

    @Test func mountsOfWindows() throws {
        let mount = try MountArgument.volume(#"C:\a b:D:\c:ro"#, in: "/")
        #expect(try mount.value(for: .windows) == ["destination": #"D:\c"#, "source": #"C:\a b"#, "options": ["ro"]])
        #expect(throws: Failure.self) { try MountArgument.tmpfs("/x").value(for: .windows) }
    }

    @Test(arguments: ["data:/x", "/a", "/a:b", ":/b", "/a:/b:z", "/a:/b:ro:rw", ""])
    func volumesThatAreNone(_ text: String) {
        #expect(throws: ValidationError.self) { try MountArgument.volume(text, in: "/") }
    }

    @Test(arguments: [
        "type=volume,source=a,target=/b", "type=bind,target=/b", "type=bind,source=/a",
        "type=bind,source=/a,target=/b,x=1",
    ])
    func mountsThatAreNone(_ text: String) {
        #expect(throws: ValidationError.self) { try MountArgument.mount(text, in: "/") }
    }

    @Test func capabilities() throws {
        let more = try Capabilities(adding: ["net_admin"], dropping: ["CAP_MKNOD"]).names
        #expect(more.contains("CAP_NET_ADMIN") && !more.contains("CAP_MKNOD") && more.contains("CAP_CHOWN"))
        #expect(try Capabilities(adding: ["KILL"], dropping: ["ALL"]).names == ["CAP_KILL"])
        #expect(try Capabilities(adding: ["ALL"], dropping: ["SYS_ADMIN"]).names.count == 40)
        #expect(try Capabilities(adding: [], dropping: ["ALL"]).value["bounding"] == [])
        let error = #expect(throws: ValidationError.self) { try Capabilities(adding: ["NET_ADMN"], dropping: []) }
        #expect(error?.message.contains("did you mean NET_ADMIN?") == true)
        #expect(
            try patch("--cap-drop", "ALL", "--cap-add", "KILL")["process"]?["capabilities"]?["permitted"] == [
                "CAP_KILL"
            ])
    }

    @Test func limitsOfProcesses() throws {
        #expect(
            ResourceLimit(argument: "nofile=1024:4096")?.value == ["type": "RLIMIT_NOFILE", "soft": 1024, "hard": 4096])
        #expect(ResourceLimit(argument: "core=0")?.hard == 0)
        #expect(ResourceLimit(argument: "memlock=unlimited")?.soft == .max)
        for text in ["nofile", "nofile=", "nofile=2:1", "nothing=1", "nofile=1:2:3"] {
            #expect(ResourceLimit(argument: text) == nil, "\(text)")
        }
    }

    @Test func users() {
        #expect(UserArgument(text: "1000:100").value == ["uid": 1000, "gid": 100])
        #expect(UserArgument(text: "1000").value == ["uid": 1000, "gid": 0])
        #expect(UserArgument(text: "web").value == ["username": "web"])
        #expect(UserArgument(text: #"HOST\me"#).value == ["username": #"HOST\me"#])
    }

    @Test func environmentFiles() {
        #expect(EnvironmentFile.lines(in: "# c\n\nA=1\r\n  B=\"x y\"\nHERE\n") == ["A=1", "B=\"x y\"", "HERE"])
    }
}
