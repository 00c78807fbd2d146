import ContainerDriver
import Dispatch
import Foundation
import HostComputeEmulator
import Synchronization
import Testing

@testable import HostComputeDriver

/// A thousand lives among faults that nobody thought of one by one, beside a stranger's: no exit is lost, none is invented,
/// and the stranger's systems are left alone. A failure names its seed; the same schedule runs again, alone, with
/// `WINDLASS_SEED=<seed> WINDLASS_SCHEDULES=1 swift test --filter FaultScheduleTests`.
///
/// The service does not go away here: that would take the containers of every other test along. It is tested alone.
@Suite struct FaultScheduleTests {
    private static let count = Int(ProcessInfo.processInfo.environment["WINDLASS_SCHEDULES"] ?? "") ?? 1000
    private static let seed = UInt64(ProcessInfo.processInfo.environment["WINDLASS_SEED"] ?? "")
    private static let atOnce = 24

    @Test func everyContainerIsAccountedFor() throws {
        let root = try #require(EmulatedHost.root)
        // Below 2^40, so that the numbers stay handy and those of a run lie side by side.
        let first = Self.seed ?? UInt64.random(in: 0..<(1 << 40))
        let next = Atomic<Int>(0)
        let complaints = Mutex<[String]>([])
        let began = ContinuousClock.now
        let group = DispatchGroup()
        for _ in 0..<min(Self.atOnce, Self.count) {
            group.enter()
            Thread.detachNewThread {
                while case let number = next.wrappingAdd(1, ordering: .relaxed).oldValue, number < Self.count {
                    let schedule = FaultSchedule(seed: first &+ UInt64(number), root: root)
                    schedule.run()
                    let found = ScheduleVerdict(schedule).complaints
                    complaints.withLock { $0 += found }
                }
                group.leave()
            }
        }
        group.wait()
        print("\(Self.count) fault schedules from seed \(first) took \(ContinuousClock.now - began)")
        for complaint in complaints.withLock({ $0.prefix(10) }) { Issue.record(Comment(rawValue: complaint)) }
        #expect(complaints.withLock(\.count) == 0, "of \(Self.count) schedules from seed \(first)")
        #expect(processesLeft() == [], "seed \(first)")
    }

    /// The processes that carry the schedules' mark.
    private func processesLeft() -> [String] {
        let mark = Array(FaultSchedule.mark.utf8)
        let ids = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int($0) != nil } ?? []
        return ids.filter { id in
            guard let environment = FileManager.default.contents(atPath: "/proc/\(id)/environ") else { return false }
            return environment.split(separator: 0).contains { $0.elementsEqual(mark) }
        }
    }
}

/// What is wrong at the end of a schedule.
struct ScheduleVerdict {
    private(set) var complaints: [String] = []
    private let schedule: FaultSchedule

    init(_ schedule: FaultSchedule) {
        self.schedule = schedule
        // Before it is looked what is left: what a call that was made aside holds open, HCS keeps.
        let closed = schedule.lives.map { FaultSchedule.handlesAreClosed($0.id) }
        complaints += schedule.strangersComplaints.map { "seed \(schedule.seed): \($0)" }
        if schedule.events.disconnects > 0 { complaints.append("seed \(schedule.seed): a disconnect was told") }
        do {
            let left = try schedule.driver.enumerate().ids
            for life in schedule.lives where left.contains(life.id) { complain("it is left in HCS", life) }
        } catch {
            complaints.append("seed \(schedule.seed): \(error)")
        }
        for (life, closed) in zip(schedule.lives, closed) { judge(life, closed: closed) }
    }

    private mutating func judge(_ life: FaultSchedule.Life, closed: Bool) {
        let told = schedule.events.told(life.id)
        let counts = Dictionary(grouping: told, by: \.process).mapValues(\.count)
        for name in life.started.keys where counts[name] != 1 {
            complain("the exit of \(name) was told \(counts[name] ?? 0) times", life)
        }
        for name in life.refused where counts[name] != nil {
            complain("\(name) was not started and its exit was told", life)
        }
        if let atShutDown = life.toldAtShutDown, atShutDown != told.count {
            complain("\(told.count - atShutDown) exits were told after the container was shut down", life)
        }
        for event in told { judge(event, life) }
        for (name, output) in schedule.events.outputs(life.id) {
            let expected = life.started[name] == nil ? [0, 2] : [2]
            if !expected.contains(output.ends) { complain("\(output.ends) outputs of \(name) have ended", life) }
        }
        if !closed {
            complain("\(HostComputeEmulator.openHandles(of: life.id.rawValue)) handles are open", life)
        }
    }

    /// Codes are not invented, and what was written comes before the exit.
    private mutating func judge(_ event: ScheduleEvents.Told, _ life: FaultSchedule.Life) {
        guard event.exit.known else {
            if event.exit.code != .max { complain("an unknown code is told as \(event.exit.code)", life) }
            return
        }
        // Its own, or what the emulator leaves of a process that it ended: 128 and the number of the signal.
        guard let own = life.started[event.process] ?? nil, event.exit.code == own else {
            if event.exit.code < 128 { complain("\(event.process) ended with \(event.exit.code)", life) }
            return
        }
        if event.output != 4 { complain("\(event.process) was told with \(event.output) bytes of its output", life) }
    }

    private mutating func complain(_ what: String, _ life: FaultSchedule.Life) {
        let told = schedule.events.told(life.id).map { "\($0.process) \($0.exit.code) \($0.exit.observedBy)" }
        complaints.append(
            """
            seed \(schedule.seed), container \(life.id): \(what)
              faults: \(life.faults.drawn.joined(separator: "; "))
              answers: \(life.answers.joined(separator: "; "))
              told: \(told.joined(separator: "; "))
            """)
    }
}
