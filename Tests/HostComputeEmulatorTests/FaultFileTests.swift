import CHostCompute
import Foundation
import HostComputeEmulator
import Testing

extension EmulatorTests {
    /// What a file can ask for besides stalls, delays and failures.
    @Suite("Fault files: latency, lost notifications, exits and disconnects", .bothWays)
    struct FaultFileTests {
        private func load(_ text: String) throws {
            let file = "\(Host.root)/faults-\(Host.newID()).json"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            defer { try? FileManager.default.removeItem(atPath: file) }
            try HostComputeEmulator.faults.load(file: file)
        }

        @Test func lostNotification() throws {
            let system = try TestSystem(Host.newID("file-lost"))
            try load(#"[{"id": "\#(system.id)", "lose_notification": "ProcessExited"}]"#)
            defer { HostComputeEmulator.faults.clear(id: system.id) }
            let process = try system.shell("exit 3")
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(process.recorder.all.isEmpty)
            #expect(process.properties()["ExitCode"] as? Int == 3 || process.properties()["ExitCode"] as? Int == 137)
        }

        @Test func exitBeforeReturn() throws {
            let system = try TestSystem(Host.newID("file-exit"), start: false)
            try load(
                #"[{"call": "HcsStartComputeSystem", "id": "\#(system.id)", "exit_before_return": true, "times": 1}]"#)
            #expect(system.start().code == Host.pending)
            #expect(system.state == "Stopped")
        }

        @Test func disconnect() throws {
            let system = try TestSystem(Host.newID("file-gone"))
            try load(
                #"[{"call": "HcsModifyComputeSystem", "id": "\#(system.id)", "disconnect": true, "times": 1}]"#)
            #expect(system.modify("{}").code == 0x8007_06BF)
            #expect(system.recorder.wait(for: 0x100_0000) != nil)
            let (_, handle) = Host.open(system.id)
            var result: UnsafeMutablePointer<HcsChar>?
            _ = Host.table.HcsTerminateComputeSystem?(handle, nil, &result)
            _ = Host.table.HcsCloseComputeSystem?(handle)
        }

        @Test func unusableStreams() throws {
            let system = try TestSystem(Host.newID("file-unusable"))
            try load(
                #"[{"call": "HcsGetProcessInfo", "id": "\#(system.id)", "unusable_streams": true, "times": 1}]"#)
            let process = try system.shell("echo x; read x; exit 3")
            let spoilt = process.information().information
            for stream in [spoilt.StdInput, spoilt.StdOutput, spoilt.StdError].map(TestProcess.descriptor) {
                var byte: UInt8 = 0
                #expect(stream > 2 && Foundation.read(stream, &byte, 1) == -1 && errno == EBADF)
                #expect(Foundation.write(stream, &byte, 1) == -1 && errno == EBADF)
                close(stream)
            }
            let information = process.information().information
            let streams = [information.StdInput, information.StdOutput, information.StdError].map(
                TestProcess.descriptor)
            #expect(TestProcess.read(streams[1]) { $0 == "x\n" } == "x\n")
            #expect(write(streams[0], "\n", 1) == 1)
            #expect(try process.exitCode() == 3)
            for stream in streams { close(stream) }
        }

        @Test func latency() throws {
            let system = try TestSystem(Host.newID("file-slow"))
            try load(
                """
                [{"call": "HcsGetComputeSystemProperties", "id": "\(system.id)",
                  "latency": {"min_ms": 20, "max_ms": 30, "seed": 7}}]
                """)
            defer { HostComputeEmulator.faults.clear(id: system.id) }
            for _ in 0..<3 {
                let began = ContinuousClock.now
                #expect(system.properties().answer.code == Host.success)
                #expect(ContinuousClock.now - began >= .milliseconds(20))
            }
        }

        @Test func theSameSeedDrawsTheSameSpans() {
            let range = Duration.milliseconds(2) ... .milliseconds(40)
            let (first, second, other) = (Latency(range, seed: 1), Latency(range, seed: 1), Latency(range, seed: 2))
            let spans = (0..<200).map { _ in first.next() }
            #expect(spans == (0..<200).map { _ in second.next() })
            #expect(spans != (0..<200).map { _ in other.next() })
            #expect(spans.allSatisfy(range.contains))
            // Spread over the range, not gathered in one place of it.
            #expect(spans.contains { $0 < .milliseconds(8) } && spans.contains { $0 > .milliseconds(34) })
        }

        @Test(arguments: [
            (#"[{"lose_notification": "SystemLost"}]"#, "SystemExited"),
            (#"[{"call": "HcsCreateProcess", "lose_notification": "ProcessExited"}]"#, "without a call"),
            (#"[{"call": "HcsOpenProcess", "exit_before_return": true}]"#, "HcsCreateProcess"),
            (#"[{"call": "HcsOpenProcess", "latency": {"min_ms": 5, "max_ms": 4}}]"#, "max_ms"),
            (#"[{"call": "HcsOpenProcess", "latency": {"min_ms": 5}}]"#, "max_ms"),
            (#"[{"call": "HcsOpenProcess", "disconnect": false}]"#, "required"),
            (#"[{"call": "HcsCreateProcess", "unusable_streams": true}]"#, "HcsGetProcessInfo"),
        ])
        func refuses(_ text: String, _ word: String) throws {
            let failure = try #require(throws: ConfigurationFailure.self) { try load(text) }
            #expect(failure.description.contains(word), "\(failure.description)")
        }

        @Test func aCreateThatFailsAtOnceGivesNoHandle() throws {
            let id = Host.newID("at-once")
            fault(id, .completeAtOnce, .failCompletion(Int32(bitPattern: 0x8007_000E)), call: .createComputeSystem)
            let (answer, handle) = Host.create(id, Host.document(id))
            #expect(answer.code == 0x8007_000E && handle == nil)
            #expect(HostComputeEmulator.openHandles(of: id) == 0)
            #expect(Host.open(id).answer.code == 0xC037_010E)
        }
    }
}
