import MessagePack
import Testing

@testable import Worker

/// Which requests are known, and for how long.
struct RequestLogTests {
    private func request(_ id: String, second: Int64 = 0, isAnswered: Bool = false) -> StoredRequest {
        StoredRequest(
            key: key(id), digest: digest(id), method: "exec", second: second, isAnswered: isAnswered)
    }

    private func key(_ id: String) -> RequestKey { RequestKey(principal: "", id: id) }
    private func digest(_ id: String) -> ContentDigest { ContentDigest("exec", ["id": .string(id)]) }

    @Test func theStandingsOfARequest() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        #expect(log.standing(of: key("a"), digest("a")) == .new)
        log.begin(request("a"), 1)
        #expect(log.standing(of: key("a"), digest("a")) == .running)
        #expect(log.standing(of: key("a"), digest("other")) == .other)
        #expect(log.standing(of: RequestKey(principal: "you", id: "a"), digest("a")) == .new)
        #expect(log.key(of: 1) == key("a") && log.key(of: 2) == nil)
        #expect(log.finish(1, isKept: true) == [])
        #expect(log.key(of: 1) == nil)
        #expect(log.standing(of: key("a"), digest("a")) == .answered)
        #expect(log.standing(of: key("a"), digest("other")) == .other)
    }

    @Test func whatIsNotKeptMayBeMadeAgain() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        log.begin(request("a"), 1)
        #expect(log.finish(1, isKept: false) == [])
        #expect(log.standing(of: key("a"), digest("other")) == .new)
        log.begin(request("a"), 2)
        #expect(log.standing(of: key("a"), digest("a")) == .running)
    }

    @Test func oneThatWaitsNoLongerIsForgotten() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        log.begin(request("a"), 1)
        for number in UInt64(2)...4 { log.join(key("a"), number) }
        log.leave(3)
        log.leave(3)
        log.leave(99)
        #expect(log.finish(1, isKept: true) == [2, 4])
        log.leave(2)
        #expect(log.standing(of: key("a"), digest("a")) == .answered)
    }

    @Test func everyoneWhoJoinedGetsTheAnswerOnce() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        log.begin(request("a"), 1)
        log.join(key("a"), 2)
        log.join(key("a"), 3)
        #expect(log.finish(1, isKept: true) == [2, 3])
        #expect(log.finish(1, isKept: true) == [])
        #expect(log.finish(2, isKept: true) == [], "it is answered with the first")
    }

    /// Begins and answers requests of these names.
    private func answered(_ ids: [String], _ log: inout RequestLog, second: Int64 = 0) {
        for (number, id) in ids.enumerated() {
            log.begin(request(id, second: second), UInt64(1000 + number))
            _ = log.finish(UInt64(1000 + number), isKept: true)
        }
    }

    @Test func theOldestAnswersGoWhereThereAreTooMany() {
        var log = RequestLog(limit: 2, age: .seconds(100))
        answered(["a", "b", "c", "d"], &log)
        #expect(log.trim(now: 0) == [key("a"), key("b")])
        #expect(log.standing(of: key("a"), digest("a")) == .new)
        #expect(log.standing(of: key("c"), digest("c")) == .answered)
        #expect(log.trim(now: 0) == [])
    }

    @Test func thePrincipalWithTheMostMakesRoom() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        for number in 0..<25 {
            // One request in five is of another principal.
            let name = number % 5 == 0 ? "few" : "many"
            let key = RequestKey(principal: name, id: "\(number)")
            log.begin(
                StoredRequest(key: key, digest: digest("x"), method: "create", second: 0), UInt64(number))
            _ = log.finish(UInt64(number), isKept: true)
            #expect(log.trim(now: 0).allSatisfy { $0.principal == "many" })
        }
        #expect(log.standing(of: RequestKey(principal: "few", id: "0"), digest("x")) == .answered)
        #expect(log.standing(of: RequestKey(principal: "many", id: "1"), digest("x")) == .new)
    }

    @Test func answersGoWhenTheirTimeIsOver() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        answered(["a"], &log, second: 0)
        answered(["b"], &log, second: 50)
        #expect(log.trim(now: 100) == [])
        #expect(log.trim(now: 101) == [key("a")])
        #expect(log.trim(now: 1000) == [key("b")])
    }

    @Test func whatRunsStaysAndHoldsUpNoOther() {
        var log = RequestLog(limit: 1, age: .seconds(100))
        log.begin(request("running"), 1)
        answered(["a", "b", "c"], &log)
        #expect(log.trim(now: 0) == [key("a"), key("b")])
        #expect(log.trim(now: 1000) == [key("c")])
        #expect(log.standing(of: key("running"), digest("running")) == .running)
        _ = log.finish(1, isKept: true)
        #expect(log.trim(now: 1001) == [key("running")])
    }

    @Test func oneThatIsMadeAgainIsAsYoungAsItsLastTry() {
        var log = RequestLog(limit: 2, age: .seconds(100))
        log.begin(request("again"), 1)
        _ = log.finish(1, isKept: false)
        answered(["a", "again", "b"], &log)
        #expect(log.trim(now: 0) == [key("a")])
        #expect(log.standing(of: key("again"), digest("again")) == .answered)
    }

    // MARK: After a start of the worker

    @Test func whatWasKeptIsKnownAgain() {
        var log = RequestLog(limit: 10, age: .seconds(100))
        log.restore([request("a", isAnswered: true), request("b")])
        #expect(log.standing(of: key("a"), digest("a")) == .answered)
        #expect(log.standing(of: key("a"), digest("other")) == .other)
        #expect(log.standing(of: key("b"), digest("b")) == .running)
        log.resume(key("b"), 5)
        log.resume(key("a"), 6)
        log.resume(key("nobody"), 7)
        #expect(log.key(of: 5) == key("b") && log.key(of: 6) == nil && log.key(of: 7) == nil)
        log.join(key("b"), 8)
        #expect(log.finish(5, isKept: true) == [8])
        #expect(log.standing(of: key("b"), digest("b")) == .answered)
        #expect(log.trim(now: 101) == [key("a"), key("b")])
    }
}
