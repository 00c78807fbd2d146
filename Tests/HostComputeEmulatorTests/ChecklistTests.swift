import CHostCompute
import Foundation
import HostComputeEmulator
import Synchronization
import Testing

extension EmulatorTests {
    /// HostComputeService I.2, lines 1 to 7: notifications and ends. The others: `ProcessChecklistTests`, `FaultTests`.
    @Suite("I.2: checklist", .bothWays)
    struct ChecklistTests {
        @Test("1: pending with a valid handle, finished on another thread")
        func line1Pending() throws {
            let id = Host.newID()
            let stall = hold(.createComputeSystem, id)
            let (answer, handle) = Host.create(id, Host.document(id))
            #expect(answer.code == Host.pending)
            #expect(answer.result == nil)
            let caller = pthread_self()
            let elsewhere = Mutex(false)
            let recorder = Recorder { _ in elsewhere.withLock { $0 = pthread_equal(pthread_self(), caller) == 0 } }
            var callback: HcsCallback?
            let code = Host.table.HcsRegisterComputeSystemCallback?(
                handle, Recorder.callback, recorder.context, &callback)
            #expect(code == 0)
            #expect(recorder.all.isEmpty)
            stall.release()
            #expect(recorder.wait(for: 2)?.status == 0)
            #expect(elsewhere.withLock { $0 })
            #expect(Host.table.HcsUnregisterComputeSystemCallback?(callback) == 0)
            var result: UnsafeMutablePointer<HcsChar>?
            #expect(Host.table.HcsTerminateComputeSystem?(handle, nil, &result) == HcsResult(bitPattern: Host.pending))
            #expect(Host.table.HcsCloseComputeSystem?(handle) == 0)
        }

        @Test("1: or finished at once with S_OK and no completion")
        func line1AtOnce() throws {
            var settings = Host.settings(root: Host.root)
            settings.completesAtOnce = true
            try HostComputeEmulator.configure(settings)
            defer { try? HostComputeEmulator.configure(Host.settings(root: Host.root)) }
            let id = Host.newID()
            let (answer, handle) = Host.create(id, Host.hyperV(id))
            #expect(answer.code == Host.success)
            let recorder = Recorder()
            var callback: HcsCallback?
            _ = Host.table.HcsRegisterComputeSystemCallback?(handle, Recorder.callback, recorder.context, &callback)
            var result: UnsafeMutablePointer<HcsChar>?
            #expect(Host.table.HcsStartComputeSystem?(handle, nil, &result) == 0)
            #expect(Host.table.HcsPauseComputeSystem?(handle, nil, &result) == 0)
            #expect(Host.table.HcsResumeComputeSystem?(handle, nil, &result) == 0)
            let (made, process) = TestProcess.create(
                in: try #require(handle), #"{"CommandLine":"/bin/sleep 1000"}"#)
            #expect(made.code == 0)
            #expect(Host.table.HcsTerminateComputeSystem?(handle, nil, &result) == 0)
            #expect(process?.properties()["Exited"] as? Bool == true)
            #expect(recorder.wait(for: 1)?.status == 0)
            #expect(recorder.all.map(\.type) == [1])
            _ = Host.table.HcsUnregisterComputeSystemCallback?(callback)
            _ = Host.table.HcsCloseComputeSystem?(handle)
        }

        @Test("2: what happened before a registration is told to it, once")
        func line2Replay() throws {
            let system = try TestSystem()
            let process = try system.shell("exit 3")
            #expect(try process.exitCode() == 3)
            let lateProcess = Recorder()
            let callback = process.register(lateProcess)
            let told = try #require(lateProcess.wait(for: 0x10000))
            #expect(Host.parse(told.data)["ExitCode"] as? Int == 3)
            _ = Host.table.HcsUnregisterProcessCallback?(callback)

            let (_, second) = Host.open(system.id)
            _ = system.terminate()
            #expect(system.recorder.wait(for: 1) != nil)
            let late = Recorder()
            var secondCallback: HcsCallback?
            _ = Host.table.HcsRegisterComputeSystemCallback?(second, Recorder.callback, late.context, &secondCallback)
            #expect(late.wait(for: 1)?.status == 0)
            #expect(late.all.map(\.type) == [2, 1])
            _ = Host.table.HcsUnregisterComputeSystemCallback?(secondCallback)
            _ = Host.table.HcsCloseComputeSystem?(second)
            #expect(process.recorder.all.map(\.type) == [0x10000])
            #expect(lateProcess.all.map(\.type) == [0x10000])
            #expect(system.recorder.all.map(\.type) == [2, 3, 1])
        }

        @Test("2: a registration that races with an exit hears of it exactly once")
        func line2Race() throws {
            let system = try TestSystem()
            for _ in 0..<50 {
                let process = try system.shell("exit 0")
                let more = (0..<4).map { _ in Recorder() }
                let callbacks = more.map { process.register($0) }
                for recorder in more + [process.recorder] { #expect(recorder.wait(for: 0x10000) != nil) }
                for callback in callbacks { _ = Host.table.HcsUnregisterProcessCallback?(callback) }
                process.unregister()
                for recorder in more + [process.recorder] { #expect(recorder.all.count == 1) }
            }
        }

        @Test("3: unregister waits for a running callback, and none comes after it")
        func line3Unregister() throws {
            let system = try TestSystem(start: false)
            let entered = DispatchSemaphore(value: 0)
            let leave = DispatchSemaphore(value: 0)
            let left = Mutex(false)
            let recorder = Recorder { _ in
                entered.signal()
                leave.wait()
                left.withLock { $0 = true }
            }
            let callback = UInt(bitPattern: system.register(recorder))
            entered.wait()
            let unregistered = DispatchSemaphore(value: 0)
            let sawReturn = Mutex(false)
            Host.onThread {
                let handle = UnsafeMutableRawPointer(bitPattern: callback)
                _ = Host.table.HcsUnregisterComputeSystemCallback?(handle)
                sawReturn.withLock { $0 = left.withLock { $0 } }
                unregistered.signal()
            }
            #expect(unregistered.wait(timeout: .now() + .milliseconds(50)) == .timedOut)
            leave.signal()
            #expect(unregistered.wait(timeout: .now() + .seconds(10)) == .success)
            #expect(sawReturn.withLock { $0 })
            #expect(system.start().code == Host.pending)
            #expect(system.recorder.wait(for: 3) != nil)
            #expect(recorder.all.map(\.type) == [2])
        }

        @Test("3: unregister from inside the callback is refused, not a deadlock")
        func line3Inside() throws {
            let system = try TestSystem(start: false)
            let handle = Mutex<UInt>(0)
            let code = Mutex<HcsResult?>(nil)
            let ready = DispatchSemaphore(value: 0)
            let recorder = Recorder { _ in
                ready.wait()
                let callback = UnsafeMutableRawPointer(bitPattern: handle.withLock { $0 })
                let answer = Host.table.HcsUnregisterComputeSystemCallback?(callback)
                code.withLock { $0 = answer }
            }
            let callback = system.register(recorder)
            handle.withLock { $0 = UInt(bitPattern: callback) }
            ready.signal()
            #expect(recorder.wait(for: 2) != nil)
            #expect(code.withLock { $0 } == HcsResult(bitPattern: 0x8007_046B))
            #expect(Host.table.HcsUnregisterComputeSystemCallback?(callback) == 0)
        }

        @Test("3: one system's blocked callback holds up no other system")
        func line3OthersGoOn() throws {
            let leave = DispatchSemaphore(value: 0)
            let entered = DispatchSemaphore(value: 0)
            var blocked: [(TestSystem, HcsCallback?)] = []
            for _ in 0..<16 {
                let system = try TestSystem(start: false)
                let recorder = Recorder { _ in
                    entered.signal()
                    leave.wait()
                }
                blocked.append((system, system.register(recorder)))
                entered.wait()
            }
            let free = try TestSystem()
            #expect(try free.shell("exit 4").exitCode() == 4)
            for _ in blocked { leave.signal() }
            for (_, callback) in blocked { _ = Host.table.HcsUnregisterComputeSystemCallback?(callback) }
        }

        @Test("3: callbacks of one system come one after another, whoever they are for")
        func line3OneByOne() throws {
            let system = try TestSystem(start: false)
            let (entered, leave) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
            let blocking = Recorder { heard in
                guard heard.type == 3 else { return }
                entered.signal()
                leave.wait()
            }
            let arrived = DispatchSemaphore(value: 0)
            let following = Recorder { heard in if heard.type == 3 { arrived.signal() } }
            let callbacks = [blocking, following].map { recorder in
                let callback = system.register(recorder)
                #expect(recorder.wait(for: 2) != nil)
                return callback
            }
            #expect(system.start().code == Host.pending)
            entered.wait()
            #expect(arrived.wait(timeout: .now() + .milliseconds(50)) == .timedOut)
            leave.signal()
            #expect(arrived.wait(timeout: .now() + .seconds(10)) == .success)
            for callback in callbacks { _ = Host.table.HcsUnregisterComputeSystemCallback?(callback) }
        }

        @Test("4: strings come from one allocator")
        func line4Strings() throws {
            let system = try TestSystem()
            #expect(system.properties().document != nil)
            #expect(system.start().result != nil)
            Host.table.FreeString?(nil)
        }

        @Test("5: the end of a system ends its processes: each ProcessExited, then SystemExited")
        func line5Ending() throws {
            let system = try TestSystem()
            let processes = try (0..<5).map { _ in try system.shell("exec sleep 1000") }
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            let order = Recorder.order(of: processes.map(\.recorder) + [system.recorder])
            #expect(order == [2, 3] + Array(repeating: 0x10000, count: 5) + [1])
            for process in processes {
                #expect(Host.processIsGone(process.pid))
                #expect(process.properties()["ExitCode"] as? Int == 137)
            }
        }

        @Test("5: reversed and dropped, as faults")
        func line5Faults() throws {
            let system = try TestSystem()
            let process = try system.shell("exec sleep 1000")
            let dropped = try system.shell("exec sleep 1000")
            fault(system.id, .reverseExitOrder, times: nil)
            _ = system.terminate()
            #expect(process.recorder.wait(for: 0x10000) != nil)
            #expect(dropped.recorder.wait(for: 0x10000) != nil)
            let order = Recorder.order(of: [process.recorder, dropped.recorder, system.recorder])
            #expect(order == [2, 3, 1, 0x10000, 0x10000])
            HostComputeEmulator.faults.clear(id: system.id)

            let other = try TestSystem()
            let lost = try other.shell("exec sleep 1000")
            fault(other.id, .loseNotification(0x10000))
            _ = other.terminate()
            #expect(other.recorder.wait(for: 1) != nil)
            #expect(lost.recorder.all.isEmpty)
        }

        @Test("6: the end of init does not end the system, except in servicing")
        func line6Init() throws {
            let system = try TestSystem()
            #expect(try system.shell("exit 0").exitCode() == 0)
            #expect(system.state == "Running")
            #expect(try system.shell("exit 1").exitCode() == 1)

            let id = Host.newID() + "_servicing"
            let servicing = try TestSystem(id, document: Host.document(id, ["Servicing": true]))
            #expect(try servicing.shell("exit 0").exitCode() == 0)
            #expect(servicing.recorder.wait(for: 1)?.status == 0)
        }

        @Test("7: properties show the exit before it is told")
        func line7PropertiesFirst() throws {
            let system = try TestSystem()
            let process = try system.shell("read line; exit 7")
            let seen = Mutex<String?>(nil)
            let handle = UInt(bitPattern: process.handle)
            let recorder = Recorder { _ in
                var properties: UnsafeMutablePointer<HcsChar>?
                var result: UnsafeMutablePointer<HcsChar>?
                _ = Host.table.HcsGetProcessProperties?(
                    UnsafeMutableRawPointer(bitPattern: handle), &properties, &result)
                let text = Host.take(properties)
                seen.withLock { $0 = text }
            }
            let callback = process.register(recorder)
            #expect(process.properties()["Exited"] as? Bool == false)
            process.write("go\n")
            #expect(recorder.wait(for: 0x10000) != nil)
            let properties = Host.parse(seen.withLock { $0 })
            #expect(properties["Exited"] as? Bool == true)
            #expect(properties["ExitCode"] as? Int == 7)
            #expect(properties["LastWaitResult"] as? Int == 0)
            #expect(properties["ProcessId"] as? Int32 == process.pid)
            _ = Host.table.HcsUnregisterProcessCallback?(callback)
        }
    }
}
