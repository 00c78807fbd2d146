import Foundation
import Synchronization
import Testing
import ZeroMQ

/// The loop as an executor, a poller and a clock.
struct SocketLoopTests {
    /// An actor that lives on a loop, as every owner of a socket does.
    actor Owner {
        nonisolated let unownedExecutor: UnownedSerialExecutor
        let loop: SocketLoop
        var count = 0

        init(_ loop: SocketLoop) {
            self.loop = loop
            unownedExecutor = loop.asUnownedSerialExecutor()
        }

        func add() -> Bool {
            count += 1
            return loop.isCurrent
        }
    }

    @Test func actorsRunOnTheLoopsThread() async throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        let owner = Owner(loop)
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<1000 { group.addTask { await owner.add() } }
            for await isCurrent in group { #expect(isCurrent) }
        }
        #expect(await owner.count == 1000)
        #expect(!loop.isCurrent)
        loop.stop()
    }

    @Test func whatIsPostedRunsInOrder() throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        let seen = Mutex<[Int]>([])
        for number in 0..<10_000 { loop.post { seen.withLock { $0.append(number) } } }
        #expect(try loop.perform { seen.withLock { $0 } } == Array(0..<10_000))
        loop.stop()
    }

    /// Threads may send more at once than a deadline can wait for.
    @Test func aDeadlinePassesBetweenMuchWork() throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        let done = Mutex(0)
        let doneBefore = Mutex<Int?>(nil)
        // Sent in one batch, by a job of the loop's own.
        loop.post {
            for number in 0..<100 {
                loop.post {
                    if number == 0 { loop.schedule(after: .zero) { doneBefore.withLock { $0 = done.withLock { $0 } } } }
                    let end = ContinuousClock.now + .milliseconds(1)
                    while .now < end {}
                    done.withLock { $0 += 1 }
                }
            }
        }
        // The first turn sends them; what is sent after that comes behind all of them.
        try loop.perform {}
        try loop.perform {}
        #expect(done.withLock { $0 } == 100)
        #expect(try #require(doneBefore.withLock { $0 }) < 100)
        loop.stop()
    }

    @Test func whatTheLoopPostsToItselfRunsWithoutAnythingElse() throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        let done = DispatchSemaphore(value: 0)
        @Sendable func again(_ left: Int) {
            if left == 0 { done.signal() } else { loop.post { again(left - 1) } }
        }
        loop.post { again(1000) }
        done.wait()
        loop.stop()
    }

    /// A quiet socket is read whether its messages came before it was added, while the loop sleeps, or while it is busy; one
    /// message a turn, so that what is left of several is not forgotten.
    @Test(arguments: [false, true])
    func aQuietSocketIsReadToItsEnd(_ isBusy: Bool) throws {
        let context = try Context()
        let loop = try SocketLoop(context: context, name: "test")
        let sender = try Socket(.pair, in: context)
        try sender.bind("inproc://quiet-\(isBusy)")
        let received = DispatchSemaphore(value: 0)
        let isOver = Mutex(false)
        // On the loop only, but for its making.
        nonisolated(unsafe) let receiver = try Socket(.pair, in: context)
        try receiver.connect("inproc://quiet-\(isBusy)")
        for _ in 0..<3 { try sender.send([1]) }
        try loop.perform {
            var message = Message()
            try loop.addQuiet(receiver) {
                guard (try? receiver.receive(into: &message)) == true else { return .idle }
                received.signal()
                return .busy
            }
        }
        @Sendable func again() { if !isOver.withLock({ $0 }) { loop.post { again() } } }
        if isBusy { again() }
        for _ in 0..<3 { received.wait() }
        for _ in 0..<5 {
            for _ in 0..<3 { try sender.send([1]) }
            for _ in 0..<3 { received.wait() }
        }
        isOver.withLock { $0 = true }
        loop.stop()
    }

    @Test func deadlinesFireInOrderAndCancelledOnesDoNot() throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        let seen = Mutex<[Int]>([])
        let done = DispatchSemaphore(value: 0)
        loop.post {
            loop.schedule(after: .milliseconds(30)) {
                seen.withLock { $0.append(3) }
                done.signal()
            }
            loop.schedule(after: .milliseconds(1)) { seen.withLock { $0.append(1) } }
            let cancelled = loop.schedule(after: .milliseconds(2)) { seen.withLock { $0.append(2) } }
            loop.cancel(cancelled)
            // Thousands that are taken back are no burden, and no others go with them.
            for _ in 0..<5000 { loop.cancel(loop.schedule(after: .seconds(3600)) {}) }
        }
        done.wait()
        #expect(seen.withLock { $0 } == [1, 3])
        loop.stop()
    }

    @Test func socketsAreReadWhereTheyLive() throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        let received = Mutex<[[UInt8]]>([])
        let done = DispatchSemaphore(value: 0)
        let endpoint = try loop.perform {
            let socket = try Socket(.router, in: loop.context)
            loop.add(socket) {
                guard let frames = try? socket.receiveFrames() else { return .idle }
                received.withLock { $0.append(frames[1]) }
                if frames[1] == [99] { done.signal() }
                return .busy
            }
            return try socket.bind("tcp://127.0.0.1:*")
        }
        let peer = try Socket(.dealer, in: try Context())
        try peer.connect(endpoint)
        for number in 0..<100 { try peer.send([UInt8(number)], wait: true) }
        done.wait()
        #expect(received.withLock { $0 } == (0..<100).map { [UInt8($0)] })
        loop.stop()
    }

    @Test func errorsComeBackFromTheLoop() throws {
        let loop = try SocketLoop(context: try Context(), name: "test")
        #expect(throws: ZeroMQError.self) {
            try loop.perform { try Socket(.router, in: loop.context).bind("nonsense") }
        }
        loop.stop()
    }
}
