import Foundation
import MessagePack
import Testing

@testable import HostComputeEmulator

extension EmulatorTests {
    /// What a client of the same user can send at its worst: the service goes on for everybody else.
    @Suite("Hostile clients")
    final class HostileClientTests {
        private let path = "\(Host.root)/\(Host.newID("hostile")).sock"
        private let service: EmulatorService

        init() throws { service = try EmulatorService(socket: path, Host.settings(root: Host.root)) }

        deinit { service.stop() }

        private func connect() throws -> Int32 {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            let address = try #require(UnixAddress(path))
            let connected = address.connect(descriptor)
            try #require(connected)
            return descriptor
        }

        private func send(_ bytes: [UInt8], _ descriptor: Int32) {
            _ = bytes.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }

        /// Sends, and waits until the service has hung up.
        private func isHungUp(_ bytes: [UInt8], shaken: Bool = true) throws -> Bool {
            let descriptor = try connect()
            defer { close(descriptor) }
            if shaken { send(Frame(body: ServiceHandshake().body).bytes, descriptor) }
            send(bytes, descriptor)
            shutdown(descriptor, Int32(SHUT_WR))
            var buffer = [UInt8](repeating: 0, count: 4096)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                if count == 0 { return true }
                if count < 0 { return errno == ECONNRESET }
            }
        }

        private func value(_ value: MessagePack.Value) -> [UInt8] {
            let writer = Writer()
            writer.value(value)
            return Frame(body: writer.bytes).bytes
        }

        private func expectService() throws {
            let client = try ServiceClient(path)
            #expect(try client.call(.enumerateComputeSystems).code == 0)
        }

        @Test func bytesThatAreNoFrames() throws {
            let noise = (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 3) }
            let frames: [[UInt8]] = [
                [], [0], noise, [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0], [0x7F, 0xFF, 0xFF, 0xFF] + noise,
                [0, 0, 0, 1, 0xC1], [0, 0, 0, 5, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF], Array("GET / HTTP/1.0\r\n\r\n".utf8),
                [0, 0, 4, 0] + [UInt8](repeating: 0x91, count: 1024),
            ]
            for frame in frames {
                #expect(try isHungUp(frame))
                #expect(try isHungUp(frame, shaken: false))
            }
            try expectService()
        }

        @Test func framesThatAreNoRequests() throws {
            let enumerate = MessagePack.Value.string("HcsEnumerateComputeSystems")
            let requests: [MessagePack.Value] = [
                nil, 1, [], [1], [0, enumerate, 0, nil, nil, 0], [1, "HcsNoSuchCall", 0, nil, nil, 0],
                [1, enumerate, -1, nil, nil, 0], [1, enumerate, 0, 7, nil, 0], [1, enumerate, 0, nil, [], 0],
                [1, enumerate, 0, nil, nil, "x"], [1, enumerate, 0, nil, nil, 0, 0], ["1", enumerate, 0, nil, nil, 0],
                ["a": 1],
            ]
            for request in requests { #expect(try isHungUp(value(request)), "\(request)") }
            try expectService()
        }

        @Test func anotherVersionIsAnsweredAndHungUp() throws {
            #expect(try isHungUp(value(["windlass-hcs-emulator", 99, ""]), shaken: false))
            #expect(try isHungUp(value(["windlass-hcs-emulator", 1]), shaken: false))
            try expectService()
        }

        @Test func callsOfEveryKindWithNonsense() throws {
            let client = try ServiceClient(path)
            let numbers: [UInt64] = [0, 1, 0x1008, .max]
            for call in EmulatorCall.allCases {
                for text in [nil, "", "{", "null", "\u{0}", String(repeating: "[", count: 10_000)] {
                    for number in numbers {
                        let answer = try client.call(call, number, text, text, integer: number)
                        let isQuestion = call == .enumerateComputeSystems || call == .getServiceProperties
                        #expect(answer.code < 0 || isQuestion, "\(call) \(text ?? "NULL") \(number)")
                    }
                }
            }
            try expectService()
        }

        @Test func aHandleOfAnotherClientIsRefused() throws {
            let id = Host.newID()
            let owner = try ServiceClient(path)
            let made = try owner.call(.createComputeSystem, 0, id, Host.document(id))
            let thief = try ServiceClient(path)
            for call in [EmulatorCall.terminateComputeSystem, .closeComputeSystem, .getComputeSystemProperties] {
                #expect(UInt32(bitPattern: try thief.call(call, made.handle).code) == 0x8007_0006)
            }
            #expect(UInt32(bitPattern: try owner.call(.terminateComputeSystem, made.handle).code) == Host.pending)
            #expect(try owner.call(.closeComputeSystem, made.handle).code == 0)
        }

        @Test func moreCallsThanAClientMayHave() throws {
            let id = Host.newID("hung")
            let stall = Stall()
            HostComputeEmulator.faults.add(Fault(call: .openComputeSystem, id: id, times: nil, effects: .stall(stall)))
            defer { HostComputeEmulator.faults.clear(id: id) }
            let descriptor = try connect()
            defer { close(descriptor) }
            let socket = FrameSocket(dup(descriptor))
            send(Frame(body: ServiceHandshake().body).bytes, descriptor)
            #expect(socket.receive(longest: 8192, takesDescriptors: false) != nil)
            for number in 1...1025 as ClosedRange<UInt64> {
                let request = EmulatorRequest(.openComputeSystem, text: id)
                send(Frame(body: request.body(number)).bytes, descriptor)
            }
            // Of all of them only the one too many is answered while they hang; and others are served.
            let frame = try #require(socket.receive(longest: 8192, takesDescriptors: false))
            let answer = try #require(EmulatorReply.read(try Reader().value(frame.body).array ?? [], []))
            #expect(answer.number == 1025 && answer.reply.code == ResultCode.outOfMemory)
            try expectService()
            stall.release()
            for _ in 1...1024 { #expect(socket.receive(longest: 8192, takesDescriptors: false) != nil) }
        }

        @Test func descriptorsThatNobodyAskedForAreDropped() throws {
            let count = { (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0 }
            let descriptor = try connect()
            let socket = FrameSocket(descriptor)
            let before = count()
            for _ in 0..<100 { _ = socket.send(Frame(body: ServiceHandshake().body).bytes[...], [0, 1, 2]) }
            socket.end()
            #expect(eventually { service.clients == 0 && count() <= before })
            try expectService()
        }
    }
}
