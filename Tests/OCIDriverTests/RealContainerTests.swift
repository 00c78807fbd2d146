import ContainerDriver
import ContainerModel
import Foundation
import TestSupport
import Testing

@testable import OCIDriver

/// What real containers do, with every runtime that works here.
@Suite(.serialized) struct RealContainerTests {
    private func failure(_ body: () throws -> Void) -> DriverFailure? {
        do {
            try body()
            return nil
        } catch {
            return error as? DriverFailure
        }
    }

    @Test(arguments: OCIHost.runtimes) func aContainerIsKeptApart(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let script =
            "hostname; echo $$; ls /proc | grep -c '^[0-9]'; cat /proc/net/dev | grep -c eth; touch /new; ls /etc/windlass-root"
        let (id, output, _) = try host.run(OCIHost.specification(script, ["hostname": "inside"]))
        #expect(host.exits.exit(id)?.code == 0)
        let lines = output.text().split(separator: "\n")
        #expect(lines.prefix(2) == ["inside", "1"] && lines.count == 5, "\(lines)")
        #expect(!HostFile.exists("/new") && !HostFile.exists(host.configuration.busybox + "/new"))
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func memoryRunsOut(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let limits: JSON = ["resources": ["memory": ["limit": 20_971_520, "swap": 20_971_520]]]
        let (id, _, _) = try host.run(
            OCIHost.specification(OCIProcess(args: ["/usr/bin/tail", "/dev/zero"]), ["linux": limits]))
        let exit = try #require(host.exits.exit(id))
        #expect(exit.code == 137 && exit.reason == .oom, "\(exit)")
        // A child of the first process dies of it, and the first process ends as it likes.
        let (other, _, _) = try host.run(OCIHost.specification("tail /dev/zero; exit 0", ["linux": limits]))
        #expect(host.exits.exit(other)?.reason == .exited)
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func killedFromOutside(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let (id, output, _) = try host.run(OCIHost.specification("echo ready; sleep 1000"))
        #expect(output.wait(for: "ready"))
        // The first process of a container takes no signal that it has not asked for, but for this one.
        try host.driver.signal(id, .initial, .name("KILL"))
        let exit = try #require(host.exits.exit(id))
        #expect(exit.code == 137 && exit.reason == .signalled, "\(exit)")
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func pausedAndEnded(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let (id, output, _) = try host.run(OCIHost.specification("echo ready; sleep 1000"))
        #expect(output.wait(for: "ready"))
        try host.driver.pause(id)
        let name = try #require(ProcessName("x"))
        let refused = failure {
            _ = try host.driver.startProcess(
                id, name, OCIProcess(args: ["/bin/true"]), stdin: false, output: RecordedOutput())
        }
        #expect(refused?.code == .failedPrecondition)
        try host.driver.resume(id)
        _ = try host.driver.startProcess(
            id, name, OCIProcess(args: ["/bin/true"]), stdin: false, output: RecordedOutput())
        #expect(host.exits.exit(id, name)?.code == 0)
        try host.driver.pause(id)
        try host.driver.terminate(id)
        #expect(host.exits.exit(id)?.reason == .terminated)
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func limitsChange(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let (id, output, _) = try host.run(OCIHost.specification("echo ready; sleep 1000"))
        #expect(output.wait(for: "ready"))
        var limits = LinuxResources()
        (limits.memoryLimit, limits.cpuQuota, limits.pidsLimit) = (67_108_864, 50_000, 77)
        let updated = try host.driver.update(id, .linux(limits))
        #expect(updated == UpdatedResources(applied: ["memory.limit", "cpu.quota", "pids.limit"], ignored: []))
        let cgroup = try host.driver.context.cgroup(id)
        let isUnified = cgroup.mounts.isUnified
        #expect(CgroupText.number(cgroup.read("pids", "pids.max")) == 77)
        #expect(
            CgroupText.number(cgroup.read("memory", isUnified ? "memory.max" : "memory.limit_in_bytes")) == 67_108_864)
        var windows = WindowsResources()
        windows.cpuCount = 1
        #expect(try host.driver.update(id, .windows(windows)).ignored == ["cpu.count"])
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func statisticsAndProcesses(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let (id, output, started) = try host.run(OCIHost.specification("sleep 1000 & echo ready; wait"))
        #expect(output.wait(for: "ready"))
        let statistics = try host.driver.statistics(id)
        #expect(statistics.memory.commit > 0 && statistics.processor.total > 0 && statistics.startedAt != nil)
        let processes = try host.driver.processes(id)
        #expect(processes.count == 2 && processes.first?.pid == started.pid && processes.last?.image == "sleep")
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func aTerminal(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let id = try OCIHost.id()
        let specification = OCIHost.specification(
            "stty size; read x; stty size; exit 3",
            process: ["terminal": true, "consoleSize": ["width": 100, "height": 40]])
        _ = try host.driver.create(id, specification)
        let output = RecordedOutput()
        let started = try host.driver.start(id, try #require(specification.process), stdin: true, output: output)
        #expect(output.wait(for: "40 100"))
        try host.driver.resize(id, .initial, ConsoleSize(width: 120, height: 50))
        _ = try started.input?.write(Array("\n".utf8), end: false)
        #expect(host.exits.exit(id)?.code == 3)
        #expect(output.text().contains("50 120") && output.text(.stderr).isEmpty, "\(output.text())")
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func theSupervisorDies(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let (id, output, _) = try host.run(
            OCIHost.specification("echo ready; until [ -e /go ]; do sleep 0.05; done; exit 42"))
        #expect(output.wait(for: "ready"))
        let paths = try host.driver.context.paths(id)
        let text = try #require(HostFile.text(paths.supervisor))
        try #require(ProcessIdentity(text: text)).signal(SIGKILL)
        try Data().write(to: URL(fileURLWithPath: paths.root + "/go"))
        // This process is the subreaper, and so the parent: the code is the true one.
        let exit = try #require(host.exits.exit(id))
        #expect(exit.code == 42 && exit.known, "\(exit)")
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func theHostWasRestarted(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let (id, output, started) = try host.run(OCIHost.specification("echo ready; sleep 1000"))
        #expect(output.wait(for: "ready"))
        let container = try host.driver.container(id)
        try container.record { $0.boot = "another" }
        let next = try host.another()
        let known = KnownProcess(
            name: .initial, pid: started.pid, terminal: false, startedAt: nil, output: RecordedOutput())
        let opened = try next.driver.open(id, [known])
        #expect(opened.state == .stopped)
        #expect(next.exits.exit(id)?.reason == .hostRestart)
        // Whatever has that process id now is not the container's.
        #expect(kill(pid_t(started.pid), 0) == 0)
        try container.record { $0.boot = HostClock.current.boot }
        _ = container.remove()
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func whatIsNotAllowedMakesNothing(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let bad: [[String: JSON]] = [
            ["hooks": ["prestart": [["path": "/bin/true"]]]],
            ["mounts": [["destination": "/h", "type": "bind", "source": "/etc", "options": ["rbind"]]]],
            [
                "linux": [
                    "namespaces": [
                        ["type": "pid", "path": "/proc/1/ns/pid"], ["type": "mount"], ["type": "ipc"], ["type": "uts"],
                        ["type": "network"],
                    ]
                ]
            ],
        ]
        for more in bad {
            let id = try OCIHost.id()
            let refused = failure { _ = try host.driver.create(id, OCIHost.specification("true", more)) }
            #expect(refused?.code == .permissionDenied, "\(more)")
            #expect(try !HostFile.exists(host.driver.context.paths(id).bundle))
        }
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func aMountThatIsAllowed(_ runtime: String) throws {
        let shared = FileManager.default.temporaryDirectory.path + "/oci-share-\(UUID().uuidString.prefix(8))"
        try FolderTree.make(shared)
        defer { FolderTree.remove(shared) }
        let real = try #require(FolderTree.resolve(shared).flatMap { HostFolder($0) })
        let host = try OCIHost(runtime) { $0.policy = BundlePolicy(folders: [real]) }
        let mount: JSON = ["destination": "/share", "type": "bind", "source": .string(shared), "options": ["rbind"]]
        let (id, _, _) = try host.run(OCIHost.specification("echo hello >/share/file", ["mounts": [mount]]))
        #expect(host.exits.exit(id)?.code == 0)
        #expect(HostFile.text(shared + "/file") == "hello\n")
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func layersAreOnTopOfEachOther(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let top = host.folder + "/top"
        try FolderTree.make(top + "/etc", mode: 0o755)
        try Data("top\n".utf8).write(to: URL(fileURLWithPath: top + "/etc/passwd"))
        let layers: JSON = ["windlass.layers": .string(JSON([host.configuration.busybox, top]).text)]
        let (id, output, _) = try host.run(
            OCIHost.specification("cat /etc/passwd; echo mine >/etc/passwd", ["annotations": layers]))
        #expect(host.exits.exit(id)?.code == 0 && output.text() == "top\n")
        #expect(HostFile.text(top + "/etc/passwd") == "top\n")
        try host.close()
    }

    /// A runtime that sleeps holds up its own container only.
    @Test(arguments: OCIHost.runtimes) func aRuntimeThatHangs(_ runtime: String) throws {
        let real = try #require(["/usr/sbin/", "/usr/bin/"].map { $0 + runtime }.first(where: HostFile.exists))
        let stand = FileManager.default.temporaryDirectory.path + "/oci-runtime-\(UUID().uuidString.prefix(8))"
        let script = "#!/bin/sh\nfor word; do case $word in hang-*) sleep 1000;; esac; done\nexec \(real) \"$@\"\n"
        try HostFile.replace(stand, with: Array(script.utf8), mode: 0o755)
        defer { unlink(stand) }
        let host = try OCIHost(stand) { $0.patience = 15_000 }
        let id = try #require(ContainerID("hang-\(UUID().uuidString.prefix(8))"))
        let driver = try host.driver
        let hung = Watched<DriverFailure.Code??>(nil)
        Thread.detachNewThread {
            do {
                _ = try driver.create(id, OCIHost.specification("true"))
                hung.withLock { $0 = .some(nil) }
            } catch {
                let code = (error as? DriverFailure)?.code
                hung.withLock { $0 = .some(code) }
            }
        }
        let (other, _, _) = try host.run(OCIHost.specification("exit 6"))
        #expect(host.exits.exit(other)?.code == 6)
        #expect(hung.withLock { $0 } == nil, "the hung one is still under way")
        let code = hung.wait(milliseconds: 30_000) { $0 }
        #expect(code == .some(.deadlineExceeded), "\(String(describing: code))")
        #expect(!HostFile.exists(driver.context.paths(id).bundle))
        try host.close()
    }

    @Test(arguments: OCIHost.runtimes) func manyAtOnce(_ runtime: String) throws {
        let host = try OCIHost(runtime)
        let driver = try host.driver
        let ids = try (0..<20).map { _ in try OCIHost.id() }
        let failures = Watched<[String]>([])
        DispatchQueue.concurrentPerform(iterations: ids.count) { index in
            do {
                let specification = OCIHost.specification("exit \(index)")
                _ = try driver.create(ids[index], specification)
                _ = try driver.start(
                    ids[index], specification.process ?? OCIProcess(), stdin: false, output: RecordedOutput())
            } catch {
                failures.withLock { $0.append("\(error)") }
            }
        }
        #expect(failures.withLock { $0 } == [])
        for (index, id) in ids.enumerated() { #expect(host.exits.exit(id)?.code == UInt32(index)) }
        try host.close()
    }
}
