import ContainerModel
import MessagePack
import Testing

@testable import windlass

/// Which events are printed, and how; and what is said besides.
struct EventTests {
    @Test func whatIsMissingIsTold() {
        #expect(EventsCommand.remark(on: .gap(3...7)) == "events 3 to 7 are not kept any more")
        #expect(EventsCommand.remark(on: .gap(3...3)) == "event 3 is not kept any more")
        #expect(EventsCommand.remark(on: .restart(after: 9))?.contains("after event 9") == true)
        #expect(EventsCommand.remark(on: .begins(after: 9)) == nil)
    }

    @Test func filters() throws {
        let filter = try EventFilter([
            try #require(KeyValue(argument: "type=exit")), try #require(KeyValue(argument: "id=web")),
        ])
        #expect(filter.matches(["type": "exit", "id": "web"]))
        #expect(!filter.matches(["type": "exit", "id": "web-10"]))
        #expect(!filter.matches(["type": "start", "id": "web"]))
        #expect(try EventFilter([]).matches(["type": "worker_start"]))
        let other = try EventFilter([
            try #require(KeyValue(argument: "event=die")), try #require(KeyValue(argument: "type=container")),
            try #require(KeyValue(argument: "label=a=b")), try #require(KeyValue(argument: "label=c")),
        ])
        #expect(other.matches(["type": "exit", "id": "web", "labels": ["a": "b", "c": ""]]))
        #expect(!other.matches(["type": "exit", "id": "web", "labels": ["a": "b"]]))
        #expect(!other.matches(["type": "start", "id": "web", "labels": ["a": "b", "c": ""]]))
    }

    @Test func aLine() throws {
        let time = try #require(Timestamp(seconds: 0, nanoseconds: 5_000_000))
        let exit: Value = [
            "code": 3, "known": true, "reason": "exited", "at": .timestamp(time), "observed_by": "driver",
        ]
        let event: Value = [
            "seq": 12, "time": .timestamp(time), "type": "exit", "id": "web-1", "process": "init", "pid": 9,
            "exit": exit,
            "labels": ["a": "b"],
        ]
        #expect(
            EventPrinter.line(event, colour: false)
                == "    12  1970-01-01T00:00:00.005Z  exit          web-1                     pid=9  code=3  reason=exited  a=b"
        )
    }
}
