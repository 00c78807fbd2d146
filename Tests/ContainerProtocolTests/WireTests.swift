import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

/// What goes out: shapes and names.
struct WireTests {
    private func value(_ encodable: some WireEncodable) throws -> Value {
        let writer = Writer()
        encodable.encode(to: writer)
        return try Reader().value(writer.bytes)
    }

    private let exit = Exit(code: 3, reason: .exited, at: .epoch, observedBy: .driver)

    @Test func aRecordHasWhatThePageSays() throws {
        let id = try #require(ContainerID("web-1"))
        var record = ContainerRecord(id: id, createdAt: .epoch)
        #expect(
            try value(record).map?.keys.elements == [
                "id", "seq", "state", "created_at", "isolation", "processes", "labels", "paused", "update_pending",
                "queue_depth", "ignored",
            ])
        record.seq = 42
        record.pid = 7
        record.startedAt = .epoch
        record.exit = exit
        record.stuck = "start"
        record.imageLayers = ["l"]
        record.processes = [try #require(ProcessName("p")): ContainerRecord.Process(pid: 8)]
        let full = try value(record)
        #expect(full["seq"] == 42 && ContainerRecord(full) == record)
        #expect(full["processes"] == ["p": ["pid": 8, "state": "running"]])
        #expect(
            full["exit"]?["code"] == 3 && full["pid"] == 7 && full["stuck"] == "start" && full["image_layers"] == ["l"])
    }

    @Test func exitsGoThereAndBack() throws {
        #expect(Exit(try value(exit)) == exit)
        let lost = Exit.unknown(reason: .lost, at: .epoch, observedBy: .restore)
        #expect(try value(lost)["code"] == 2_147_483_648 && Exit(try value(lost)) == lost)
        #expect(Exit.unknown(reason: .exited, at: .epoch, observedBy: .poll).code == .max)
    }

    @Test func anEventHasItsTopicAndOnlyWhatIsKnown() throws {
        var event = Event(.execExit, ContainerID("web-1"), at: .epoch)
        event.process = ProcessName("p")
        event.exit = exit
        #expect(event.topic == "exec_exit/web-1" && Event(.workerStart).topic == "worker_start/")
        #expect(
            try value(event).map?.keys.elements == ["host", "epoch", "seq", "time", "type", "id", "process", "exit"])
    }

    @Test func failuresGoThereAndBack() {
        let failure = Failure(.unavailable, "m", retryable: true, details: ["pending": true])
        #expect(Failure(failure.value) == failure)
        #expect(Failure(["code": "odd"]).code == .internal)
    }
}
