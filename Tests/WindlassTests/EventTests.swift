import MessagePack
import Testing

@testable import windlass

/// How the stream and the log of events become one sequence, and how an event is printed.
struct EventTests {
    private func event(_ seq: UInt64, epoch: UInt64 = 1) -> Value {
        ["type": "exit", "seq": .unsigned(seq), "epoch": .unsigned(epoch)]
    }

    private func standing(_ last: UInt64, epoch: UInt64 = 1) -> Value {
        ["type": "heartbeat", "last_seq": .unsigned(last), "epoch": .unsigned(epoch)]
    }

    @Test func withoutANumberItBeginsWithWhatComes() {
        var sequence = EventSequence(last: nil)
        #expect(sequence.action(for: standing(7)) == .skip)
        #expect(sequence.last == 7)
        #expect(sequence.action(for: event(8)) == .show)
        var eager = EventSequence(last: nil)
        #expect(eager.action(for: event(8)) == .show)
    }

    @Test func aGapIsFetched() {
        var sequence = EventSequence(last: 5)
        #expect(sequence.action(for: event(6)) == .show)
        #expect(sequence.action(for: event(8)) == .fetch)
        #expect(sequence.action(for: standing(6)) == .fetch)
    }

    @Test func whatWasSeenIsSkipped() {
        var sequence = EventSequence(last: 5)
        #expect(sequence.action(for: event(5)) == .skip)
        #expect(sequence.action(for: event(4)) == .skip)
        #expect(sequence.action(for: standing(5)) == .skip)
    }

    @Test func aWorkerThatCountsAnewIsFollowedFromItsFirstEvent() {
        var sequence = EventSequence(last: nil)
        _ = sequence.action(for: standing(100))
        #expect(sequence.action(for: standing(2)) == .fetch)
        #expect(sequence.last == 0)
        var other = EventSequence(last: nil)
        _ = other.action(for: standing(100))
        #expect(other.action(for: event(3, epoch: 2)) == .fetch)
        #expect(other.last == 0)
    }

    @Test func aNumberThatIsNotThereYetBecomesTheNewest() {
        var sequence = EventSequence(last: 1000)
        #expect(sequence.action(for: standing(10)) == .skip)
        #expect(sequence.last == 10)
        #expect(sequence.action(for: event(11)) == .show)
    }

    @Test func filters() throws {
        let filter = try EventFilter([
            try #require(KeyValue(argument: "type=exit")), try #require(KeyValue(argument: "id=web")),
        ])
        #expect(filter.matches(["type": "exit", "id": "web"]))
        #expect(!filter.matches(["type": "exit", "id": "web-10"]))
        #expect(!filter.matches(["type": "start", "id": "web"]))
        #expect(try EventFilter([]).matches(["type": "worker_start"]))
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
