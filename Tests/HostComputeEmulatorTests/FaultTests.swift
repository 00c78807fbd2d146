import CHostCompute
import Foundation
import HostComputeEmulator
import Testing

extension EmulatorTests {
    /// HostComputeService I.2, line 16, and the fault file.
    @Suite("I.2, 16: faults", .bothWays)
    struct FaultTests {
        @Test func neverCompletes() throws {
            let system = try TestSystem(start: false)
            fault(system.id, .neverComplete, call: .startComputeSystem)
            #expect(system.start().code == Host.pending)
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(system.recorder.all.map(\.type) == [2, 1])
        }

        @Test func completesAfterClose() throws {
            let id = Host.newID()
            let stall = hold(.createComputeSystem, id)
            let (_, handle) = Host.create(id, Host.document(id))
            stall.waitForArrival()
            #expect(Host.table.HcsCloseComputeSystem?(handle) == 0)
            stall.release()
            let (answer, again) = Host.open(id)
            #expect(answer.code == Host.success)
            var result: UnsafeMutablePointer<HcsChar>?
            _ = Host.table.HcsTerminateComputeSystem?(again, nil, &result)
            _ = Host.table.HcsCloseComputeSystem?(again)
        }

        @Test func completionFails() throws {
            let id = Host.newID()
            fault(id, .failCompletion(Int32(bitPattern: 0x8007_000E)), call: .createComputeSystem)
            let (answer, handle) = Host.create(id, Host.document(id))
            #expect(answer.code == Host.pending)
            let recorder = Recorder()
            var callback: HcsCallback?
            _ = Host.table.HcsRegisterComputeSystemCallback?(handle, Recorder.callback, recorder.context, &callback)
            #expect(recorder.wait(for: 2)?.status == 0x8007_000E)
            _ = Host.table.HcsUnregisterComputeSystemCallback?(callback)
            _ = Host.table.HcsCloseComputeSystem?(handle)
            #expect(Host.open(id).answer.code == 0xC037_010E)
            #expect(!FileManager.default.fileExists(atPath: "\(Host.root)/layers/\(id)"))
        }

        @Test func exitsBeforeStartReturns() throws {
            let system = try TestSystem(start: false)
            fault(system.id, .exitBeforeReturn, call: .startComputeSystem)
            #expect(system.start().code == Host.pending)
            #expect(system.state == "Stopped")
            #expect(system.recorder.wait(for: 1)?.status == 0xC037_0106)
        }

        @Test func exitsBeforeCreateProcessReturns() throws {
            let system = try TestSystem()
            fault(system.id, .exitBeforeReturn, call: .createProcess)
            let (_, process) = system.createProcess(["CommandLine": "/bin/sh -c 'exit"])
            #expect(process?.properties()["Exited"] as? Bool == true)
            #expect(process?.recorder.wait(for: 0x10000) != nil)
        }

        @Test func serviceDisconnect() throws {
            let system = try TestSystem()
            let process = try system.shell("exec sleep 1000")
            HostComputeEmulator.disconnect()
            #expect(system.recorder.wait(for: 0x100_0000) != nil)
            #expect(process.recorder.wait(for: 0x100_0000) != nil)
            #expect(system.terminate().code == 0x8007_06BF)
            #expect(process.terminate().code == 0x8007_06BF)
            let (answer, handle) = Host.open(system.id)
            #expect(answer.code == Host.success)
            #expect(!Host.processIsGone(process.pid))
            var result: UnsafeMutablePointer<HcsChar>?
            let recorder = Recorder()
            var callback: HcsCallback?
            _ = Host.table.HcsRegisterComputeSystemCallback?(handle, Recorder.callback, recorder.context, &callback)
            _ = Host.table.HcsTerminateComputeSystem?(handle, nil, &result)
            #expect(recorder.wait(for: 1) != nil)
            #expect(system.recorder.all.map(\.type) == [2, 3, 0x100_0000])
            _ = Host.table.HcsUnregisterComputeSystemCallback?(callback)
            _ = Host.table.HcsCloseComputeSystem?(handle)
            system.close()
            #expect(Host.open(system.id).answer.code == 0xC037_010E)
        }

        @Test func propertiesWithoutADocument() throws {
            let system = try TestSystem()
            fault(system.id, .noProperties, call: .getComputeSystemProperties)
            let (answer, document) = system.properties()
            #expect(answer.code == Host.success)
            #expect(document == nil)
            #expect(system.properties().document != nil)
        }

        @Test func unparsableResult() throws {
            let system = try TestSystem()
            fault(system.id, .failUnparsable(Int32(bitPattern: 0x8007_000E)), call: .modifyComputeSystem)
            let answer = system.modify("{}")
            #expect(answer.code == 0x8007_000E)
            #expect(answer.result == "{not JSON")
        }

        @Test func duplicateAndUnknownNotifications() throws {
            let system = try TestSystem(start: false)
            fault(system.id, .duplicateNotification(3))
            fault(system.id, .unknownNotification(0x77))
            #expect(system.start().code == Host.pending)
            #expect(system.recorder.wait(for: 3) != nil)
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(system.recorder.all.map(\.type) == [2, 0x77, 3, 3, 1])
        }

        @Test func unexpectedExitStatusAndLastWaitResult() throws {
            let system = try TestSystem()
            let process = try system.shell("exit 0")
            fault(system.id, .lastWaitResult(109), call: .getProcessProperties)
            _ = process.recorder.wait(for: 0x10000)
            #expect(process.properties()["LastWaitResult"] as? Int == 109)
            #expect(process.properties()["LastWaitResult"] as? Int == 0)
            fault(system.id, .exitStatus(Int32(bitPattern: 0xC037_0106)))
            _ = system.terminate()
            #expect(system.recorder.wait(for: 1)?.status == 0xC037_0106)
        }

        @Test func stallsAndFailsByIDPrefix() throws {
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: "stalled-*")
            let done = DispatchSemaphore(value: 0)
            let id = Host.newID("stalled")
            Host.onThread {
                let (_, handle) = Host.create(id, Host.document(id))
                var result: UnsafeMutablePointer<HcsChar>?
                _ = Host.table.HcsTerminateComputeSystem?(handle, nil, &result)
                _ = Host.table.HcsCloseComputeSystem?(handle)
                done.signal()
            }
            stall.waitForArrival()
            #expect(Host.open(id).answer.code == 0xC037_010E)
            _ = try TestSystem()
            stall.release()
            #expect(done.wait(timeout: .now() + .seconds(10)) == .success)

            let failed = Host.newID("failed")
            HostComputeEmulator.faults.fail(
                .createComputeSystem, id: failed, hresult: Int32(bitPattern: 0xC037_0110), times: 2)
            #expect(Host.create(failed, Host.document(failed)).answer.code == 0xC037_0110)
            #expect(Host.create(failed, Host.document(failed)).answer.code == 0xC037_0110)
            _ = try TestSystem(failed)
        }

        @Test func faultFile() throws {
            let folder = "\(Host.root)/faults-\(Host.newID())"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let file = "\(folder)/faults.json"
            let gate = "\(folder)/gate"
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            let text = """
                [{"call": "HcsStartComputeSystem", "id": "file-*", "stall_while": "\(gate)", "times": 1},
                 {"call": "HcsCreateComputeSystem", "id": "file-bad", "hresult": "0xC0370110", "delay_ms": 1}]
                """
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            var settings = Host.settings(root: Host.root)
            settings.faultFile = file
            try HostComputeEmulator.configure(settings)
            defer { HostComputeEmulator.faults.clear() }
            #expect(Host.create("file-bad", Host.document("file-bad")).answer.code == 0xC037_0110)
            let system = try TestSystem(Host.newID("file"), start: false)
            let started = DispatchSemaphore(value: 0)
            let handle = UInt(bitPattern: system.handle)
            Host.onThread {
                var result: UnsafeMutablePointer<HcsChar>?
                _ = Host.table.HcsStartComputeSystem?(UnsafeMutableRawPointer(bitPattern: handle), nil, &result)
                started.signal()
            }
            #expect(started.wait(timeout: .now() + .milliseconds(100)) == .timedOut)
            #expect(system.state == "Created")
            try FileManager.default.removeItem(atPath: gate)
            #expect(started.wait(timeout: .now() + .seconds(10)) == .success)
            #expect(system.recorder.wait(for: 3) != nil)
        }

        @Test(arguments: [
            ("nonsense", "JSON"), ("{}", "array"), ("[{\"call\": \"x\", \"hresult\": \"0x80000000\"}]", "entry 1"),
            ("[{\"call\": \"HcsOpenComputeSystem\"}]", "stall_while"),
            ("[{\"call\": \"HcsOpenComputeSystem\", \"hresult\": \"0x1\"}]", "hresult"),
            ("[{\"call\": \"HcsOpenComputeSystem\", \"delay_ms\": 1, \"idd\": \"x\"}]", "'idd'"),
        ])
        func malformedFaultFile(_ text: String, _ word: String) throws {
            let file = "\(Host.root)/malformed-\(Host.newID()).json"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            let failure = #expect(throws: ConfigurationFailure.self) {
                try HostComputeEmulator.faults.load(file: file)
            }
            #expect(failure?.description.contains(file) == true)
            #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")")
        }
    }
}
