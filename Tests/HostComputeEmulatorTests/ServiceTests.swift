import CHostCompute
import Foundation
import Testing

@testable import HostComputeEmulator

extension EmulatorTests {
    /// What a service keeps while its clients come and go.
    @Suite("A service outlives its clients")
    final class ServiceTests {
        let path: String
        let service: EmulatorService

        init() throws {
            path = "\(Host.root)/\(Host.newID("service")).sock"
            service = try EmulatorService(socket: path, Self.settings)
        }

        deinit {
            service.stop()
            try? HostComputeEmulator.configure(Host.settings(root: Host.root))
        }

        static var settings: HostComputeEmulator.Settings {
            var settings = Host.settings(root: Host.root)
            settings.keepsExited = true
            settings.completesAtOnce = true
            return settings
        }

        /// Ends a compute system, of which nothing is left once `user` has gone.
        private func end(_ id: String, _ user: ServiceClient? = nil) throws {
            user?.die()
            #expect(eventually { HostComputeEmulator.openHandles(of: id) == 0 })
            let client = try ServiceClient(path)
            let system = try client.open(id)
            try client.call(.terminateComputeSystem, system)
            #expect(try client.call(.closeComputeSystem, system).code == 0)
            #expect(try client.call(.openComputeSystem, 0, id).code == HcsResult(bitPattern: 0xC037_010E))
        }

        @Test func whatRunsIsTakenUpAgain() throws {
            let id = Host.newID()
            let first = try ServiceClient(path)
            let process = try first.shell(try first.system(id), "echo one; read x; echo got $x; exit 5")
            first.die()
            #expect(eventually { HostComputeEmulator.openHandles(of: id) == 0 })
            let second = try ServiceClient(path)
            let system = try second.open(id)
            let opened = try second.openProcess(system, process.pid)
            #expect(opened.code == 0)
            let streams = try second.call(.getProcessInfo, opened.handle).streams
            // What the first had not read is there, and the input still leads to the process.
            #expect(TestProcess.read(streams[1]) { $0 == "one\n" } == "one\n")
            #expect(write(streams[0], "x\n", 2) == 2)
            #expect(TestProcess.readAll(streams[1]) == "got x\n")
            #expect(try eventually { try second.properties(opened.handle)["Exited"] as? Bool == true })
            #expect(try second.properties(opened.handle)["ExitCode"] as? Int == 5)
            try end(id, second)
        }

        /// Flags of a descriptor belong to the object that it is open on. What was handed out again was another object of the
        /// same pipe, which hid from every test that HCS hands out the one that an earlier worker has bound.
        @Test func theSamePipeObjectsAreHandedOutAgain() throws {
            let id = Host.newID()
            let first = try ServiceClient(path)
            let process = try first.shell(try first.system(id), "echo one; read x; exit 5")
            for stream in process.streams { #expect(fcntl(stream, F_SETFL, O_NONBLOCK) == 0) }
            first.die()
            let second = try ServiceClient(path)
            let opened = try second.openProcess(try second.open(id), process.pid)
            let streams = try second.call(.getProcessInfo, opened.handle).streams
            #expect(streams.count == 3)
            for stream in streams { #expect(fcntl(stream, F_GETFL) & O_NONBLOCK != 0) }
            #expect(TestProcess.read(streams[1]) { $0 == "one\n" } == "one\n")
            try end(id, second)
        }

        @Test func whatEndedMeanwhileHasItsOutputAndItsCode() throws {
            let id = Host.newID()
            let gate = "\(Host.root)/gate-\(id)"
            let first = try ServiceClient(path)
            let system = try first.system(id)
            let process = try first.shell(
                system, "echo one; while [ ! -e \(gate) ]; do sleep 0.01; done; echo two; echo bad >&2; exit 5")
            first.die()
            #expect(eventually { service.clients == 0 })
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            #expect(eventually { Host.processIsGone(Int32(process.pid)) })
            let second = try ServiceClient(path)
            let again = try second.open(id)
            #expect(try second.created(again) == [process.pid])
            let opened = try second.openProcess(again, process.pid)
            #expect(opened.code == 0)
            let information = try second.call(.getProcessInfo, opened.handle)
            #expect(information.pid == process.pid && information.streams[0] < 0)
            #expect(TestProcess.readAll(information.streams[1]) == "one\ntwo\n")
            #expect(TestProcess.readAll(information.streams[2]) == "bad\n")
            let properties = try second.properties(opened.handle)
            #expect(properties["ExitCode"] as? Int == 5 && properties["LastWaitResult"] as? Int == 0)
            // It is not among those that run, and can still be opened.
            #expect(try second.list(again).isEmpty)
            #expect(try second.created(again) == [process.pid])
            #expect(try second.call(.closeProcess, opened.handle).code == 0)
            #expect(try second.openProcess(again, process.pid).code == 0)
            try end(id, second)
        }

        @Test func whatWasCreatedIsKnownWhetherOrNotItsExitWasHeard() throws {
            let id = Host.newID()
            let first = try ServiceClient(path)
            let system = try first.system(id)
            #expect(try first.created(system).isEmpty)
            let process = try first.shell(system, "exit 3")
            #expect(try eventually { try first.properties(process.handle)["Exited"] as? Bool == true })
            #expect(try first.call(.closeProcess, process.handle).code == 0)
            #expect(try first.list(system).isEmpty)
            first.die()
            let second = try ServiceClient(path)
            #expect(try second.created(try second.open(id)) == [process.pid])
            try end(id, second)
        }

        /// The next client may have been told that there is no such process, and have created it.
        @Test func aCallWhoseClientHasDiedMakesNothing() throws {
            var ends: [Int32] = [-1, -1]
            try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let caller = Caller.client(FrameSocket(ends[0]))
            close(ends[1])
            let (id, other) = (Host.newID(), Host.newID("other"))
            let client = try ServiceClient(path)
            let system = try client.system(id)
            let backend = LocalBackend(caller: caller)
            let process = backend.reply(
                to: EmulatorRequest(.createProcess, system, text: #"{"CommandLine":"/bin/true"}"#))
            #expect(process.code == ResultCode.cancelled && process.handle == 0)
            #expect(try client.created(system).isEmpty)
            let created = backend.reply(
                to: EmulatorRequest(.createComputeSystem, text: other, document: Host.document(other)))
            #expect(created.code == ResultCode.cancelled && created.handle == 0)
            #expect(Host.enumerate("{\"Ids\":[\"\(other)\"]}").isEmpty)
            try end(id, client)
        }

        @Test(
            arguments: [
                (EMFILE, 0x8007_0004), (ENFILE, 0x8007_0004), (EAGAIN, 0x8007_00A4), (ENOSPC, 0x8007_0070),
                (ENOMEM, 0x8007_000E),
            ] as [(Int32, UInt32)])
        func whatIsUsedUpHasItsCode(error: Int32, code: UInt32) {
            #expect(ResultCode.exhausted(error) == HcsResult(bitPattern: code))
        }

        @Test func aSystemThatStoppedIsKeptUntilSomebodyHasLooked() throws {
            let id = Host.newID()
            let first = try ServiceClient(path)
            let system = try first.system(id)
            let process = try first.shell(system, "exec sleep 1000")
            try first.call(.terminateComputeSystem, system)
            first.die()
            #expect(eventually { HostComputeEmulator.openHandles(of: id) == 0 })
            #expect(Host.enumerate("{\"Ids\":[\"\(id)\"]}") == [id])
            let second = try ServiceClient(path)
            let again = try second.open(id)
            #expect(
                Host.parse(try second.call(.getComputeSystemProperties, again).text)["State"] as? String == "Stopped")
            let opened = try second.openProcess(again, process.pid)
            #expect(try second.properties(opened.handle)["ExitCode"] as? Int == 137)
            #expect(try second.openProcess(again, 1).code == HcsResult(bitPattern: Host.alreadyStopped))
            try second.call(.closeProcess, opened.handle)
            #expect(try second.call(.closeComputeSystem, again).code == 0)
            #expect(Host.enumerate("{\"Ids\":[\"\(id)\"]}").isEmpty)
        }

        @Test func aDocumentMayEndTheSystemWithItsClient() throws {
            let id = Host.newID()
            let first = try ServiceClient(path)
            let system = try first.system(id, ["TerminateOnLastHandleClosed": true])
            let process = try first.shell(system, "exec sleep 1000")
            first.die()
            #expect(eventually { Host.processIsGone(Int32(process.pid)) })
        }

        @Test func whatIsUnusedStops() throws {
            // What other tests have left.
            for id in Host.enumerate("{}") { try end(id) }
            let id = Host.newID()
            let first = try ServiceClient(path)
            _ = try first.system(id)
            let stopped = DispatchSemaphore(value: 0)
            Thread.detachNewThread { [service] in
                service.stopWhenUnused(for: .milliseconds(10))
                stopped.signal()
            }
            // With a client, and then with a compute system only, it goes on.
            #expect(stopped.wait(timeout: .now() + .milliseconds(100)) == .timedOut)
            first.die()
            #expect(eventually { service.clients == 0 })
            #expect(stopped.wait(timeout: .now() + .milliseconds(100)) == .timedOut)
            let second = try ServiceClient(path)
            let again = try second.open(id)
            try second.call(.terminateComputeSystem, again)
            try second.call(.closeComputeSystem, again)
            #expect(stopped.wait(timeout: .now() + .milliseconds(100)) == .timedOut)
            second.die()
            #expect(stopped.wait(timeout: .now() + .seconds(60)) == .success)
            #expect(throws: RemoteEmulator.Refusal.absent) { try RemoteEmulator(path).connect() }
        }

        @Test func theNewestThousandThatExitedAreKept() throws {
            let id = Host.newID()
            let client = try ServiceClient(path)
            let system = try client.system(id)
            let pids = try (0..<1005).map { _ in
                let process = try client.call(.createProcess, system, #"{"CommandLine":"/bin/true"}"#)
                #expect(try eventually { try client.properties(process.handle)["Exited"] as? Bool == true })
                try client.call(.closeProcess, process.handle)
                return process.pid
            }
            #expect(try eventually { try client.openProcess(system, pids[4]).code < 0 })
            #expect(try client.openProcess(system, pids[5]).code == 0)
            #expect(try client.openProcess(system, pids[1004]).code == 0)
            try end(id, client)
        }

        @Test func nothingIsLeftOpen() throws {
            let count = { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
            func round() throws {
                let id = Host.newID()
                let client = try ServiceClient(path)
                let system = try client.system(id)
                for _ in 0..<5 { _ = try client.shell(system, "echo unread; exit 0") }
                _ = try client.shell(system, "exec sleep 1000")
                client.die()
                try end(id)
            }
            try round()
            #expect(eventually { service.clients == 0 })
            let before = count()
            for _ in 0..<10 { try round() }
            #expect(eventually { service.clients == 0 && count() <= before }, "\(before), then \(count())")
        }
    }
}
