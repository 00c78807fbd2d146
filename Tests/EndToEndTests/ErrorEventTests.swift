import ContainerModel
import ContainerProtocol
import HostComputeEmulator
import MessagePack
import Testing

/// What the service says of a failure, on its way from its table to a client.
struct ErrorEventTests {
    private func failure(_ id: ContainerID, _ args: Value, _ worker: TestWorker) async throws -> Failure {
        try await #require(throws: Failure.self) {
            try await worker.client.create(id, ["process": ["args": args]])
        }
    }

    @Test func theEventsOfAResultAreInTheDetails() async throws {
        try await TestWorker.run { worker in
            let failure = try await failure(uniqueID(), ["/etc/passwd"], worker)
            #expect(failure.code == .permissionDenied && failure.details["hresult"] == 0x8007_0005)
            #expect(failure.details["operation"] == "HcsCreateProcess")
            let said: Value = "Access is denied: '/etc/passwd' cannot be executed."
            #expect(failure.details["driver_message"] == said)
            let event: Value = [
                "message": said, "provider": "00000000-0000-0000-0000-000000000000", "event_id": 0, "flags": 0,
                "source": "HostComputeEmulator",
            ]
            #expect(failure.details["error_events"] == [event])
            #expect(failure.details["error_events_dropped"] == nil)
            // It advises what helps.
            #expect(!failure.message.contains("administrator") && failure.message.contains("/etc/passwd"))
        }
    }

    @Test func aResultThatCannotBeReadCostsNothingButItsWords() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            let mismatch = Int32(bitPattern: 0xC037_0101)
            HostComputeEmulator.faults.add(
                Fault(call: .createComputeSystem, id: id.rawValue, effects: .failUnparsable(mismatch)))
            let failure = try await failure(id, ["/bin/true"], worker)
            #expect(failure.code == .failedPrecondition && failure.details["hresult"] == 0xC037_0101)
            #expect(failure.details["error_events"] == nil && failure.details["driver_message"] == nil)
        }
    }

    @Test func endpointsChangeOverTheWire() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, "exec sleep 600")
            let resources: Value = [
                "network": ["endpointList": ["a", "b"], "DNSSearchList": ["c"]], "storage": ["iops": 5],
            ]
            let result = try await worker.client.call(.update, ["id": .string(id.rawValue), "resources": resources])
            #expect(result["applied"] == ["network.endpointList"])
            #expect(result["ignored"] == ["storage.iops", "network.DNSSearchList"])
            #expect(HostComputeEmulator.resources(of: id.rawValue)?.endpoints == ["a", "b"])
            let version = try await worker.client.call(.version)
            #expect(version["capabilities"]?.array?.contains("update.network") == true)
            try await worker.client.delete(id, force: true)
        }
    }
}
