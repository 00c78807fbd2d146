import MessagePack
import Testing

@testable import WorkerClient

/// How what is published and what the log has become one sequence.
struct EventSequenceTests {
    private func event(_ seq: UInt64, epoch: UInt64 = 1) -> Value {
        ["type": "exit", "seq": .unsigned(seq), "epoch": .unsigned(epoch)]
    }

    private func standing(_ last: UInt64, epoch: UInt64 = 1) -> Value {
        ["type": "heartbeat", "last_seq": .unsigned(last), "epoch": .unsigned(epoch)]
    }

    @Test func withoutANumberItBeginsWithWhatComes() {
        var sequence = EventSequence(after: nil)
        #expect(sequence.action(for: standing(7)) == .skip)
        #expect(sequence.last == 7)
        #expect(sequence.action(for: event(8)) == .deliver)
        var eager = EventSequence(after: nil)
        #expect(eager.action(for: event(8)) == .deliver)
    }

    @Test func aGapIsFetched() {
        var sequence = EventSequence(after: 5)
        #expect(sequence.action(for: event(6)) == .deliver)
        #expect(sequence.action(for: event(8)) == .fetch)
        #expect(sequence.action(for: standing(6)) == .fetch)
    }

    @Test func whatWasSeenIsSkipped() {
        var sequence = EventSequence(after: 5)
        #expect(sequence.action(for: event(5)) == .skip)
        #expect(sequence.action(for: event(4)) == .skip)
        #expect(sequence.action(for: standing(5)) == .skip)
    }

    @Test func aNewEpochIsCheckedOnceAndThenGoesOn() {
        var sequence = EventSequence(after: nil)
        _ = sequence.action(for: standing(7))
        #expect(sequence.action(for: event(8, epoch: 2)) == .check)
        #expect(sequence.isLast(ofEpoch: 1) && !sequence.isLast(ofEpoch: 2))
        #expect(sequence.action(for: event(8, epoch: 2), isChecked: true) == .deliver)
        sequence.deliver(event(8, epoch: 2))
        #expect(sequence.action(for: event(9, epoch: 2)) == .deliver)
    }

    @Test func messagesOfAFormerEpochThatCameLateAreCheckedOnce() {
        var sequence = EventSequence(after: 5)
        sequence.deliver(event(6, epoch: 3))
        #expect(sequence.action(for: event(4, epoch: 2)) == .check)
        #expect(sequence.action(for: event(4, epoch: 2), isChecked: true) == .skip)
        #expect(sequence.action(for: event(5, epoch: 2)) == .skip)
        #expect(sequence.action(for: standing(5, epoch: 2)) == .check, "a worker may have lost its state after all")
    }

    @Test func aStandingBehindWhatWasSeenIsChecked() {
        var sequence = EventSequence(after: nil)
        _ = sequence.action(for: standing(100))
        #expect(sequence.action(for: standing(2)) == .check)
        #expect(sequence.action(for: standing(2), isChecked: true) == .skip)
    }

    @Test func theGreatestNumberIsHarmless() {
        var sequence = EventSequence(after: .max)
        #expect(sequence.action(for: event(.max)) == .skip)
        #expect(EventSequence.number(after: .max) == .max)
    }
}
