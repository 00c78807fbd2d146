import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import Worker

/// The parts of a container, each by itself.
struct ContainerPartsTests {
    private let loop = ManualLoop()
    private let replies = NoReplies()
    private let id: ContainerID
    private let job: ProcessName
    private let now = Timestamp(seconds: 1_700_000_000, nanoseconds: 0) ?? .epoch

    init() throws {
        id = try #require(ContainerID("web"))
        job = try #require(ProcessName("job"))
    }

    private final class NoReplies: Replies {
        func complete(_ number: UInt64, _ result: Result<any WireEncodable, Failure>) {}
        func notify(_ route: ReplyRoute, _ output: OutputNotification) -> Delivery { .sent }
    }

    private func responder(_ number: UInt64) -> Responder {
        Responder(number: number, route: nil, replies: LoopBound(replies, to: loop))
    }

    private func command(_ number: UInt64) -> QueuedCommand {
        QueuedCommand(id: id, kind: .pause, responder: responder(number))
    }

    // MARK: CommandLane

    @Test func commandsComeInOrderAndOneAtATime() {
        var lane = CommandLane()
        let taken = (1...4).map { lane.append(command($0), limit: 3) }
        #expect(taken == [true, true, true, false])
        let first = lane.next(at: now)
        #expect(first?.responder?.number == 1)
        #expect(lane.next(at: now) == nil, "one is under way")
        #expect(lane.depth == 3)
        let removed = lane.remove(2)
        #expect(removed && !lane.remove(1), "the one under way does not wait")
        #expect(lane.finish()?.responder?.number == 1)
        #expect(lane.next(at: now)?.responder?.number == 3)
    }

    @Test func theFirstReasonOfAFailureStays() {
        var lane = CommandLane()
        lane.begin(command(1), at: now)
        lane.note(.invalidArgument("first"))
        lane.note(.invalidArgument("second"))
        #expect(lane.failure?.message == "first")
        lane.begin(command(2), at: now)
        #expect(lane.failure == nil)
    }

    // MARK: HostLink

    @Test func exitsAreHeldWhileTheHostIsAsked() {
        var link = HostLink()
        let exit = Exit.unknown(reason: .lost, at: now, observedBy: .restore)
        let heldWhileAttached = link.hold(job, exit)
        #expect(!heldWhileAttached)
        link.beginOpening(.unknown)
        #expect(link.isOpening && link.isAdopting)
        #expect(link.hold(job, exit) && link.hold(.initial, exit))
        let held = link.takeExits()
        #expect(held.map(\.process) == [job, .initial])
        #expect(link.isOpening && !link.isAdopting, "its answer is being applied")
        link.attach()
        #expect(!link.isOpening && !link.isLost)
    }

    @Test func aServiceThatGoesAwayMeanwhileIsAskedOnceMore() {
        var link = HostLink()
        link.beginOpening(.known)
        link.lose()
        #expect(link.isOpening)
        _ = link.takeExits()
        link.attach()
        #expect(link.isLost)
        link.beginOpening(.known)
        link.attach()
        #expect(!link.isLost)
    }

    @Test func eachCallOfOpenHasItsGeneration() {
        var link = HostLink()
        let (first, second) = (link.nextGeneration(), link.nextGeneration())
        #expect(first != second && link.generation == second)
    }

    // MARK: PendingStop

    @Test func theShortestGraceCounts() {
        var stop = PendingStop()
        #expect(stop.graceLeft(at: now) == nil)
        stop.add(responder(1), grace: .seconds(10), at: now)
        stop.add(responder(2), grace: .seconds(3), at: now)
        #expect(stop.graceLeft(at: now) == .seconds(3))
        #expect(stop.graceLeft(at: now.advanced(by: .seconds(2))) == .seconds(1))
        #expect(stop.graceLeft(at: now.advanced(by: .seconds(99))) == .zero)
        #expect(stop.graceLeft(at: .epoch) == .seconds(3), "a clock that was set back gives no more than all of it")
        #expect(stop.takeWaiting().map(\.number) == [1, 2] && !stop.isAwaited)
    }

    @Test func theFirstCauseOfAnEndStays() {
        var stop = PendingStop()
        stop.note(Cause(requestID: "a"))
        stop.note(Cause(requestID: "b"))
        #expect(stop.cause?.requestID == "a")
        stop.replaceCause(Cause(requestID: "c"))
        #expect(stop.cause?.requestID == "c")
    }

    // MARK: ExitWaiters

    @Test func theOldestOfTooManyWaitersMakesRoom() {
        var waiters = ExitWaiters()
        for number in 0..<UInt64(ExitWaiters.limit) { #expect(waiters.add(.initial, responder(number)) == nil) }
        #expect(waiters.add(job, responder(9999))?.number == 0)
        #expect(waiters.remove(9999) == job && waiters.remove(9999) == nil)
        #expect(waiters.take(.initial).count == ExitWaiters.limit - 1 && waiters.isEmpty)
    }

    // MARK: DriverLanes

    @Test func onlyTheCallInLineLeavesTheLine() {
        var lanes = DriverLanes()
        let beside = lanes.next()
        let inLine = lanes.nextInLine()
        lanes.leaveLine(beside)
        #expect(lanes.inLine == inLine)
        lanes.giveUp(inLine)
        let (first, second) = (lanes.wasGivenUp(inLine), lanes.wasGivenUp(inLine))
        #expect(lanes.inLine == nil && first && !second)
    }

    @Test func aStuckCreationGivesItsPlaceAwayOnce() {
        var lanes = DriverLanes()
        let number = lanes.nextInLine()
        lanes.note(number, .create, isStuck: true)
        lanes.note(number, .create, isStuck: false)
        let (first, second) = (lanes.holdsPlace(number), lanes.holdsPlace(number))
        #expect(!first && second)
    }

    @Test func aLineOfCallsIsBoundedAndInOrder() {
        var line = CallLine()
        var started: [UInt64] = []
        for number in UInt64(0)...UInt64(CallLine.limit) {
            let entrance = line.enter(number, { started.append(number) }, refuse: { _ in })
            #expect(entrance == (number == 0 ? .start : .waits))
        }
        #expect(line.enter(999, {}, refuse: { _ in }) == .full)
        #expect(line.remove(2) && !line.remove(2))
        while let next = line.advance() { next() }
        #expect(started == (1...UInt64(CallLine.limit)).filter { $0 != 2 })
        #expect(line.enter(1000, {}, refuse: { _ in }) == .start)
    }

    // MARK: CallLimit

    @Test func creationsWaitForEachOtherInOrder() {
        let limit = CallLimit(1)
        var begun: [Int] = []
        #expect(limit.enter { begun.append(0) } == nil)
        let second = limit.enter { begun.append(1) }
        _ = limit.enter { begun.append(2) }
        #expect(second.map(limit.leaveLine) == true)
        limit.leave()
        #expect(begun == [0, 2])
    }
}
