import CHostCompute
import Foundation
import Synchronization
import Testing

@testable import HostComputeEmulator

extension EmulatorTests {
    @Suite("Ends of systems", .bothWays)
    struct EndingTests {
        @Test func shutdownAsksFirst() throws {
            let system = try TestSystem()
            let process = try system.shell("trap 'exit 12' TERM; echo ready; while :; do sleep 0.01; done")
            _ = TestProcess.read(process.output) { $0.contains("ready") }
            #expect(system.shutdown().code == Host.pending)
            #expect(try process.exitCode() == 12)
            let exited = try #require(system.recorder.wait(for: 1))
            #expect(Host.parse(exited.data)["ExitType"] as? String == "GracefulExit")
        }

        @Test func shutdownKillsAfterTheGrace() throws {
            let system = try TestSystem()
            let process = try system.shell("trap '' TERM; echo ready; while :; do sleep 0.01; done")
            _ = TestProcess.read(process.output) { $0.contains("ready") }
            #expect(system.shutdown().code == Host.pending)
            #expect(system.shutdown().code == Host.invalidState)
            let exited = try #require(system.recorder.wait(for: 1))
            #expect(Host.parse(exited.data)["ExitType"] as? String == "ForcedExit")
            #expect(try process.exitCode() == 137)
        }

        @Test func terminateOvertakesAShutdown() throws {
            var settings = Host.settings(root: Host.root)
            settings.grace = .seconds(1000)
            try HostComputeEmulator.configure(settings)
            defer { try? HostComputeEmulator.configure(Host.settings(root: Host.root)) }
            let system = try TestSystem()
            let process = try system.shell("trap '' TERM; echo ready; while :; do sleep 0.01; done")
            _ = TestProcess.read(process.output) { $0.contains("ready") }
            #expect(system.shutdown().code == Host.pending)
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(system.recorder.all.map(\.type) == [2, 3, 1])
        }

        @Test func descendantsGoToo() throws {
            let system = try TestSystem()
            // One in the group, one in a group of its own, one in a session of its own.
            let script = """
                sleep 1000 & echo $!
                set -m; sleep 1000 & echo $!; set +m
                setsid sh -c 'echo $$; exec sleep 1000' &
                wait
                """
            let process = try system.shell(script)
            let text = TestProcess.read(process.output) { $0.split(separator: "\n").count == 3 && $0.hasSuffix("\n") }
            let pids = text.split(separator: "\n").compactMap { Int32($0) }
            #expect(pids.count == 3)
            for pid in pids { #expect(!Host.processIsGone(pid)) }
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(pids.filter { !Host.processIsGone($0) } == [])
        }

        @Test func orphansOfAnExitedProcessGoToo() throws {
            let system = try TestSystem()
            let process = try system.shell("set -m; sleep 1000 > /dev/null 2>&1 & echo $!; exit 0")
            let pid = try #require(Int32(TestProcess.readAll(process.output).dropLast()))
            #expect(try process.exitCode() == 0)
            #expect(!Host.processIsGone(pid))
            let list = Host.parse(system.properties(#"{"PropertyTypes":["ProcessList"]}"#).document)["ProcessList"]
            #expect((list as? [[String: Any]])?.count == 1)
            #expect(system.shutdown().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(Host.processIsGone(pid))
        }

        @Test func lastHandleTerminatesWhenTheDocumentSaysSo() throws {
            let id = Host.newID()
            let system = try TestSystem(id, document: Host.document(id, ["TerminateOnLastHandleClosed": true]))
            let process = try system.shell("exec sleep 1000")
            let (_, second) = Host.open(id)
            system.close()
            #expect(!Host.processIsGone(process.pid))
            let recorder = Recorder()
            var callback: HcsCallback?
            _ = Host.table.HcsRegisterComputeSystemCallback?(second, Recorder.callback, recorder.context, &callback)
            #expect(recorder.wait(for: 2) != nil)
            _ = Host.table.HcsCloseComputeSystem?(second)
            #expect(process.recorder.wait(for: 0x10000) != nil)
            #expect(recorder.all.map(\.type) == [2])
            #expect(Host.table.HcsUnregisterComputeSystemCallback?(callback) == 0)
        }

        @Test func withoutItTheSystemLivesOn() throws {
            let system = try TestSystem()
            let process = try system.shell("exec sleep 1000")
            system.close()
            let (answer, handle) = Host.open(system.id)
            #expect(answer.code == Host.success)
            #expect(!Host.processIsGone(process.pid))
            var result: UnsafeMutablePointer<HcsChar>?
            _ = Host.table.HcsTerminateComputeSystem?(handle, nil, &result)
            _ = process.recorder.wait(for: 0x10000)
            _ = Host.table.HcsCloseComputeSystem?(handle)
        }

        @Test func servicingEndsWhenItsLastProcessEndsDuringACreationThatFails() throws {
            // So many folders to look into that the first process ends long before the second one is not found.
            let path = String(repeating: "x:", count: 100_000)
            for _ in 0..<5 {
                let id = Host.newID() + "_servicing"
                let system = try TestSystem(id, document: Host.document(id, ["Servicing": true]))
                let handle = UInt(bitPattern: system.handle)
                let first = try system.shell("read line; exit 0")
                let document = Host.json(["CommandLine": "no-such-program", "Environment": ["PATH": path]])
                let code = Mutex<UInt32?>(nil)
                let done = DispatchSemaphore(value: 0)
                Host.onThread {
                    if let system = UnsafeMutableRawPointer(bitPattern: handle) {
                        let (answer, _) = TestProcess.create(in: system, document)
                        code.withLock { $0 = answer.code }
                    }
                    done.signal()
                }
                for _ in 0..<100_000 where ComputeService.shared.system(named: id)?.state.withLock(\.spawning) == 0 {
                    usleep(100)
                }
                first.write("\n")
                #expect(try first.exitCode() == 0)
                #expect(done.wait(timeout: .now() + .seconds(10)) == .success)
                #expect(code.withLock { $0 } == 0x8007_0002)
                #expect(system.recorder.wait(for: 1)?.status == 0)
            }
        }

        @Test func servicingLivesOnWhereNoProcessCouldBeCreated() throws {
            let id = Host.newID() + "_servicing"
            let system = try TestSystem(id, document: Host.document(id, ["Servicing": true]))
            #expect(system.createProcess(["CommandLine": "no-such-program"]).answer.code == 0x8007_0002)
            #expect(system.state == "Running")
            #expect(try system.shell("exit 0").exitCode() == 0)
            #expect(system.recorder.wait(for: 1)?.status == 0)
        }

        @Test func servicingEndsThoughItsLastProcessWasKilledWhilePaused() throws {
            let id = Host.newID() + "_servicing"
            let document = Host.document(
                id, ["Servicing": true, "HvPartition": true, "HvRuntime": ["ImagePath": "/layers/UtilityVM"]])
            let system = try TestSystem(id, document: document)
            let process = try system.shell("exec sleep 1000")
            #expect(system.pause().code == Host.pending)
            #expect(system.recorder.wait(for: 4)?.status == 0)
            #expect(process.terminate().code == Host.success)
            #expect(try process.exitCode() == 137)
            #expect(system.state == "Paused")
            #expect(system.resume().code == Host.pending)
            #expect(system.recorder.wait(for: 5)?.status == 0)
            #expect(system.recorder.wait(for: 1)?.status == 0)
            #expect(system.recorder.all.map(\.type) == [2, 3, 4, 5, 1])
        }

        @Test func everyHandleHears() throws {
            let system = try TestSystem()
            let (_, second) = Host.open(system.id)
            let recorder = Recorder()
            var callback: HcsCallback?
            _ = Host.table.HcsRegisterComputeSystemCallback?(second, Recorder.callback, recorder.context, &callback)
            _ = system.terminate()
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(recorder.wait(for: 1) != nil)
            _ = Host.table.HcsUnregisterComputeSystemCallback?(callback)
            _ = Host.table.HcsCloseComputeSystem?(second)
        }

        @Test func pauseStopsEveryProcess() throws {
            let id = Host.newID()
            let system = try TestSystem(id, document: Host.hyperV(id))
            let process = try system.shell("while read line; do echo $line; done")
            process.write("a\n")
            _ = TestProcess.read(process.output) { $0 == "a\n" }
            #expect(system.pause().code == Host.pending)
            #expect(system.recorder.wait(for: 4) != nil)
            process.write("b\n")
            var query = pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)
            #expect(poll(&query, 1, 50) == 0)
            #expect(system.resume().code == Host.pending)
            #expect(TestProcess.read(process.output) { $0 == "b\n" } == "b\n")
            _ = system.pause()
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(try process.exitCode() == 137)
        }

        @Test func creationsRacingWithTheEndLeaveNothingBehind() throws {
            for _ in 0..<20 {
                let system = try TestSystem()
                let handle = UInt(bitPattern: system.handle)
                let done = DispatchSemaphore(value: 0)
                Host.onThread {
                    while let system = UnsafeMutableRawPointer(bitPattern: handle) {
                        let (answer, _) = TestProcess.create(in: system, #"{"CommandLine":"/bin/sleep 1000"}"#)
                        if answer.code != Host.success { break }
                    }
                    done.signal()
                }
                _ = try system.shell("exit 0").exitCode()
                #expect(system.terminate().code == Host.pending)
                #expect(system.recorder.wait(for: 1) != nil)
                #expect(done.wait(timeout: .now() + .seconds(10)) == .success)
                let list = Host.parse(system.properties(#"{"PropertyTypes":["ProcessList"]}"#).document)["ProcessList"]
                #expect((list as? [Any])?.isEmpty == true)
            }
        }
    }
}
