import MessagePack
import Testing

@testable import WorkerClient

/// Snapshots in pages, each of an instant of its own.
struct SnapshotPagesTests {
    private func record(_ id: String, _ seq: UInt64) -> Value { ["id": .string(id), "seq": .unsigned(seq)] }

    private func event(_ id: String, _ seq: UInt64) -> Value { ["id": .string(id), "seq": .unsigned(seq)] }

    @Test func pagesBecomeOneSnapshotOfTheFirstInstant() {
        var pages = SnapshotPages()
        let isFirstGood = pages.add([
            "containers": [record("a", 3), record("b", 9)], "last_seq": 10, "epoch": 1, "next": "b",
        ])
        #expect(isFirstGood && pages.next == "b" && pages.included.isEmpty)
        let isSecondGood = pages.add(["containers": [record("c", 12)], "last_seq": 14, "epoch": 2])
        #expect(isSecondGood && pages.next == nil && pages.last == 10 && !pages.included.isEmpty)
        #expect(
            pages.value == [
                "containers": [record("a", 3), record("b", 9), record("c", 12)], "last_seq": 10, "epoch": 2,
            ])
    }

    @Test func eventsUpToARecordsOwnAreNoNewsOfIt() {
        var included = IncludedEvents()
        for record in [record("a", 3), record("c", 12), record("d", 13)] { included.add(record, after: 10) }
        var news: [String] = []
        for seq in 11...14 as ClosedRange<UInt64> {
            for id in ["a", "c", "d"] where !included.contains(event(id, seq)) { news.append("\(id)\(seq)") }
        }
        #expect(news == ["a11", "a12", "a13", "c13", "a14", "c14", "d14"])
        #expect(included.isEmpty)
    }

    @Test(arguments: [["containers": [], "last_seq": 2], ["containers": []], ["last_seq": 11], nil] as [Value])
    func aPageOfAnotherCountOrNoneIsRefused(_ page: Value) {
        var pages = SnapshotPages()
        _ = pages.add(["containers": [record("a", 3)], "last_seq": 10, "next": "a"])
        let isTaken = pages.add(page)
        #expect(!isTaken && pages.value["containers"]?.array?.count == 1)
    }

    @Test func aPageMayBeEmptyButMustLeadOn() {
        var pages = SnapshotPages()
        let page: Value = ["containers": [], "last_seq": 10, "next": "a"]
        _ = pages.add(page)
        #expect(pages.next == "a")
        _ = pages.add(page)
        #expect(pages.next == nil)
    }
}
