import Testing

@testable import Worker

/// The requests that wait for an answer, and their limits.
struct RequestTableTests {
    private func entry(_ peer: UInt8, isParked: Bool = false) -> RequestTable.Entry {
        RequestTable.Entry(
            route: .of(peer), msgid: 0, method: .ping, isParked: isParked, isQuestion: false)
    }

    @Test func theOwnerOfAKeyHasOneLimitHoweverManyItsConnections() {
        var table = RequestTable(peerLimit: 2, limit: 10)
        let owner = Principal("web", .scheduler)
        let entries = (1...3).map { peer in
            RequestTable.Entry(route: .of(peer, owner), msgid: 0, method: .ping, isParked: false, isQuestion: false)
        }
        #expect(table.admit(entries[0], isAlwaysAdmitted: false) == .admitted(1))
        #expect(table.admit(entries[1], isAlwaysAdmitted: false) == .admitted(2))
        #expect(table.admit(entries[2], isAlwaysAdmitted: false) == .peerIsFull)
        #expect(table.admit(entry(1), isAlwaysAdmitted: false) == .admitted(3), "peers of this host have their own")
        #expect(Set(table.numbers(of: ["web"])) == [1, 2])
    }

    @Test func onePeerCannotUseUpEverything() {
        var table = RequestTable(peerLimit: 2, limit: 3)
        #expect(table.admit(entry(1), isAlwaysAdmitted: false) == .admitted(1))
        #expect(table.admit(entry(1), isAlwaysAdmitted: false) == .admitted(2))
        #expect(table.admit(entry(1), isAlwaysAdmitted: true) == .peerIsFull)
        #expect(table.admit(entry(2), isAlwaysAdmitted: false) == .admitted(3))
        #expect(table.admit(entry(3), isAlwaysAdmitted: false) == .hostIsFull)
        #expect(table.admit(entry(3), isAlwaysAdmitted: true) == .admitted(4))
        #expect(table.remove(1) != nil && table.remove(1) == nil)
        #expect(table.remove(2) != nil)
        #expect(table.admit(entry(1), isAlwaysAdmitted: false) == .admitted(5))
    }

    @Test func parkedRequestsHaveABudgetOfTheirOwn() {
        var table = RequestTable(peerLimit: 100, limit: 2)
        for _ in 0..<2 { _ = table.admit(entry(1, isParked: true), isAlwaysAdmitted: false) }
        #expect(table.admit(entry(1), isAlwaysAdmitted: false) == .admitted(3))
        #expect(table.parkedToExpire() == 1)
        _ = table.remove(1)
        #expect(table.parkedToExpire() == nil)
        _ = table.admit(entry(1, isParked: true), isAlwaysAdmitted: false)
        #expect(table.parkedToExpire() == 2)
    }

    @Test func anAnnouncementIsTakenBackOnce() {
        var table = RequestTable(peerLimit: 1, limit: 1)
        guard case .admitted(let number) = table.admit(entry(1), isAlwaysAdmitted: false) else { return }
        table.setAnnounced(true, of: number)
        let (first, second) = (table.setAnnounced(false, of: number), table.setAnnounced(false, of: number))
        #expect(first && !second)
    }
}
