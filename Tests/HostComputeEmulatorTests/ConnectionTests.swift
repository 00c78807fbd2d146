import CHostCompute
import Foundation
import MessagePack
import Synchronization
import Testing

@testable import HostComputeEmulator

extension EmulatorTests {
    /// The socket itself: who may serve, who may speak, and what becomes of either when the other goes.
    @Suite("The connection to a service")
    struct ConnectionTests {
        private let path = "\(Host.root)/\(Host.newID("connection")).sock"

        private func serve(_ path: String) throws -> EmulatorService {
            try EmulatorService(socket: path, Host.settings(root: Host.root), program: "test 1")
        }

        private func mode(_ path: String) throws -> Int? {
            (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
        }

        @Test func onlyItsOwnerReachesIt() throws {
            let inFolder = "\(Host.root)/\(Host.newID("folder"))/emulator.sock"
            let service = try serve(inFolder)
            defer { service.stop() }
            #expect(try mode(inFolder) == 0o600)
            #expect(try mode(URL(fileURLWithPath: inFolder).deletingLastPathComponent().path) == 0o700)
        }

        @Test func oneServiceToAPath() throws {
            let service = try serve(path)
            let refusal = #expect(throws: ConfigurationFailure.self) { try serve(path) }
            #expect(refusal?.description.contains(path) == true)
            _ = try ServiceClient(path)
            service.stop()
            #expect(!FileManager.default.fileExists(atPath: path))
        }

        @Test func aStaleSocketIsReplacedAndNothingElse() throws {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let address = try #require(UnixAddress(path))
            let bound = address.bind(descriptor)
            #expect(bound)
            close(descriptor)
            let service = try serve(path)
            _ = try ServiceClient(path)
            service.stop()
            try "mine".write(toFile: path, atomically: true, encoding: .utf8)
            #expect(throws: ConfigurationFailure.self) { try serve(path) }
            #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
            #expect(throws: ConfigurationFailure.self) { try serve(String(repeating: "x", count: 200)) }
        }

        @Test func whereNobodyServesThePathAndTheCommandAreNamed() throws {
            let refusal = #expect(throws: ConfigurationFailure.self) {
                try HostComputeEmulator.connect(socket: path, patience: .zero)
            }
            #expect(refusal?.description.contains("windlass hcs-emulator --socket \(path)") == true)
        }

        @Test func aServiceThatComesLaterIsWaitedFor() throws {
            let client = Mutex<Bool?>(nil)
            let done = DispatchSemaphore(value: 0)
            let (path, before) = (path, RemoteEmulator.shared.withLock { $0 })
            defer { RemoteEmulator.shared.withLock { $0 = before } }
            Thread.detachNewThread {
                let connected = (try? HostComputeEmulator.connect(socket: path, patience: .seconds(60))) != nil
                client.withLock { $0 = connected }
                done.signal()
            }
            let service = try serve(path)
            defer { service.stop() }
            #expect(done.wait(timeout: .now() + .seconds(60)) == .success)
            #expect(client.withLock { $0 } == true)
        }

        @Test func anotherVersionIsNamed() throws {
            let listener = try SocketListener(path)
            defer { listener.close() }
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                if let socket = listener.accept() {
                    _ = socket.receive(longest: 1024, takesDescriptors: false)
                    var handshake = ServiceHandshake()
                    handshake.version = 7
                    FrameWriter(socket, pool: ThreadPool()).send(Frame(body: handshake.body))
                    _ = socket.receive(longest: 1024, takesDescriptors: false)
                }
                done.signal()
            }
            let refusal = #expect(throws: RemoteEmulator.Refusal.self) { try RemoteEmulator(path).connect() }
            #expect(refusal == .otherVersion(7, .init(root: "", program: "", pid: getpid())))
            #expect(refusal?.message(path).contains("kill \(getpid())") == true)
            #expect(done.wait(timeout: .now() + .seconds(60)) == .success)
        }

        /// Version 1 knows three fields and no others.
        @Test func anOlderVersionUnderstandsTheHandshake() throws {
            for greeting in [ServiceHandshake(), ServiceHandshake(root: "/root")] {
                #expect(try Reader().value(greeting.body).array?.count == 3)
            }
            let service = try serve(path)
            defer { service.stop() }
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let connected = try #require(UnixAddress(path)).connect(descriptor)
            try #require(connected)
            let client = FrameSocket(descriptor)
            var old = ServiceHandshake()
            old.version = 1
            _ = client.send(Frame(body: old.body).bytes[...], [])
            let answer = try #require(client.receive(longest: 8192, takesDescriptors: false))
            #expect(try Reader().value(answer.body).array?.count == 3)
            #expect(ServiceHandshake(answer.body)?.version == ServiceHandshake.version)
            #expect(client.receive(longest: 8192, takesDescriptors: false) == nil)
        }

        @Test func whatServesIsNamed() throws {
            let service = try serve(path)
            defer { service.stop() }
            let named = try RemoteEmulator(path).connect().service
            #expect(named == .init(root: Host.root, program: "test 1", pid: getpid()))
        }

        @Test func aPathOfAnyLengthIsServed() throws {
            let folder = "\(Host.root)/\(String(repeating: "long", count: 40))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let long = "\(folder)/emulator.sock"
            let service = try serve(long)
            _ = try ServiceClient(long)
            #expect(FileManager.default.fileExists(atPath: long))
            #expect(throws: ConfigurationFailure.self) { try serve(long) }
            service.stop()
            #expect(!FileManager.default.fileExists(atPath: long))
            #expect(throws: RemoteEmulator.Refusal.absent) { try RemoteEmulator(long).connect() }
        }

        @Test func aServiceIsStartedWhereNoneAnswersAndAgainWhenItHasGone() throws {
            let services = Mutex<[EmulatorService]>([])
            let emulator = RemoteEmulator(path) { [path] in
                services.withLock { services in
                    guard let service = try? EmulatorService(socket: path, Host.settings(root: Host.root)) else {
                        return false
                    }
                    services.append(service)
                    return true
                }
            }
            defer { for service in services.withLock({ $0 }) { service.stop() } }
            #expect(try !emulator.connect(patience: .seconds(60)).isLost)
            services.withLock { $0[0].stop() }
            #expect(eventually { emulator.connected == nil })
            #expect(emulator.reply(to: EmulatorRequest(.getServiceProperties)).code == 0)
            #expect(services.withLock(\.count) == 2)
            emulator.disconnect()
        }

        @Test func oneThatCannotBeStartedIsNotWaitedFor() {
            let emulator = RemoteEmulator(path) { false }
            #expect(throws: RemoteEmulator.Refusal.absent) { try emulator.connect(patience: .seconds(3600)) }
        }

        @Test func aServiceThatGoesAwayIsFoundAgain() throws {
            // The table of the other tests is the same one; it goes back to their service.
            Host.$way.withValue(.overSocket) { _ = Host.table }
            let before = RemoteEmulator.shared.withLock { $0 }
            let service = try serve(path)
            defer { RemoteEmulator.shared.withLock { $0 = before } }
            let table = try HostComputeEmulator.connect(socket: path).table.pointee
            try Host.$way.withValue(.overSocket) {
                let system = try TestSystem()
                let process = try system.shell("exec sleep 1000")
                service.stop()
                #expect(system.recorder.wait(for: 0x100_0000) != nil)
                #expect(process.recorder.wait(for: 0x100_0000) != nil)
                #expect(system.terminate().code == 0x8007_06BF)
                #expect(process.properties().isEmpty)
                #expect(Host.open(system.id).answer.code == 0x8007_06BF)
                let next = try serve(path)
                defer { next.stop() }
                // A handle of before stays dead, and what is opened now is alive.
                #expect(system.terminate().code == 0x8007_06BF)
                let (answer, handle) = Host.open(system.id)
                #expect(answer.code == Host.success)
                var result: UnsafeMutablePointer<HcsChar>?
                let code = table.HcsTerminateComputeSystem?(handle, nil, &result)
                #expect(code == HcsResult(bitPattern: Host.pending))
                #expect(table.HcsCloseComputeSystem?(handle) == 0)
                system.close()
                #expect(table.HcsCloseComputeSystem?(system.handle) == HcsResult(bitPattern: 0x8007_0006))
            }
            #expect(RemoteEmulator.shared.withLock { $0?.handles.count } == 0)
        }

        @Test func aCallThatHangsHoldsUpNoOther() throws {
            let service = try serve(path)
            defer { service.stop() }
            let client = try ServiceClient(path)
            let id = Host.newID("hung")
            let stall = HostComputeEmulator.faults.stall(.openComputeSystem, id: id)
            let connection = try client.emulator.connect()
            let done = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                let answer = try? connection.call(EmulatorRequest(.openComputeSystem, text: id))
                #expect(answer?.code == HcsResult(bitPattern: 0xC037_010E))
                done.signal()
            }
            stall.waitForArrival()
            #expect(try client.call(.enumerateComputeSystems).code == 0)
            stall.release()
            #expect(done.wait(timeout: .now() + .seconds(60)) == .success)
        }

        @Test func aClientThatStopsReadingIsDisconnected() throws {
            var ends: [Int32] = [0, 0]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let (mute, socket) = (FrameSocket(ends[0]), FrameSocket(ends[1]))
            let writer = FrameWriter(socket, pool: ThreadPool())
            let body = [UInt8](repeating: 0xC0, count: 1 << 20)
            for _ in 0...(FrameWriter.mostWaiting >> 20) + 4 { writer.send(Frame(body: body)) }
            // The connection has been ended under what was to be sent: the first frames never come whole.
            var received = 0
            while mute.receive(longest: 1 << 20, takesDescriptors: false) != nil { received += 1 }
            #expect(received <= 1)
        }
    }
}
