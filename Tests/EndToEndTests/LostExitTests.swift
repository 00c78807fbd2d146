import ContainerModel
import ContainerProtocol
import HostComputeEmulator
import MessagePack
import Testing
import Worker

/// An exit that the service does not tell is found by asking, whether or not somebody waits for it.
struct LostExitTests {
    private static let processExited: UInt32 = 0x0001_0000
    private static let systemExited: UInt32 = 0x0000_0001

    /// From now on the service tells no exit of `id`.
    private func loseExits(_ id: ContainerID) {
        for type in [LostExitTests.processExited, LostExitTests.systemExited] {
            HostComputeEmulator.faults.add(Fault(id: id.rawValue, times: nil, effects: .loseNotification(type)))
        }
    }

    private func endInput(_ id: ContainerID, _ worker: TestWorker) async throws {
        _ = try await worker.client.call(.stdin, ["id": .string(id.rawValue), "data": .binary([]), "eof": true])
    }

    @Test func aWaitIsAnsweredAlthoughNobodyTellsTheExit() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("lost")
            loseExits(id)
            defer { HostComputeEmulator.faults.clear(id: id.rawValue) }
            try await worker.shell(id, "read line; exit 6", stdin: true)
            async let waiting = worker.client.wait(id)
            try await endInput(id, worker)
            let exit = try await waiting
            #expect(exit.code == 6 && exit.known && exit.reason == .exited && exit.observedBy == .poll)
            let event = try await worker.collector.next("exit", id)
            #expect(event.body["exit"]?["observed_by"] == "poll" && event.body["exit"]?["code"] == 6)
            #expect(await worker.collector.types(id) == ["create", "start", "exit"])
        }
    }

    @Test func anExitThatNobodyWaitsForIsFoundAllTheSame() async throws {
        try await TestWorker.run {
            $0.times.checkInterval = .milliseconds(100)
        } _: { worker in
            let id = try uniqueID("lost")
            loseExits(id)
            defer { HostComputeEmulator.faults.clear(id: id.rawValue) }
            try await worker.shell(id, "exit 6")
            let event = try await worker.collector.next("exit", id)
            #expect(event.body["exit"]?["observed_by"] == "poll" && event.body["exit"]?["code"] == 6)
            #expect(try await worker.client.wait(id).observedBy == .poll)
        }
    }

    @Test func anExecsExitIsFoundToo() async throws {
        try await TestWorker.run {
            $0.times.checkInterval = .milliseconds(100)
        } _: { worker in
            let id = try uniqueID("lost")
            try await worker.shell(id, "exec sleep 100000")
            loseExits(id)
            defer { HostComputeEmulator.faults.clear(id: id.rawValue) }
            _ = try await worker.client.call(
                .exec, ["id": .string(id.rawValue), "process": "p", "spec": ["args": ["/bin/sh", "-c", "exit 5"]]])
            let event = try await worker.collector.next("exec_exit", id)
            #expect(event.body["exit"]?["observed_by"] == "poll" && event.body["exit"]?["code"] == 5)
            #expect(try await worker.client.state(id).state == .running, "its container runs on")
            try await worker.client.delete(id, force: true)
        }
    }
}
