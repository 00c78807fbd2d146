import ContainerDriver
import ContainerModel
import Dispatch
import Foundation
import HostComputeEmulator
import Synchronization

@testable import HostComputeDriver

/// A small random life of one to three containers among random faults, all of which follows from a seed. A stranger runs
/// a container of its own beside them; it has the id of some before they are made, and takes that of others over.
final class FaultSchedule {
    /// One container, and what the driver answered about it.
    final class Life {
        let id: ContainerID
        let hyperV: Bool
        var faults: ScheduleFaults
        var steps: [Step]
        /// The processes whose start succeeded, with the code that each leaves if it ends by itself.
        var started: [ProcessName: UInt32?] = [:]
        /// The processes whose start failed.
        var refused: Set<ProcessName> = []
        var discarded = false
        /// What had been told when a shutDown, or the last discard, returned well.
        var toldAtShutDown: Int?
        var answers: [String] = []

        init(id: ContainerID, hyperV: Bool, steps: [Step]) {
            self.id = id
            self.hyperV = hyperV
            self.steps = steps
            faults = ScheduleFaults(id: id.rawValue)
        }
    }

    enum Step {
        case create, start, awaitExit, shutDown, terminate, discard, pause, resume, observe, check
        case exec(ProcessName)
        case signal(ProcessName, Signal)
        /// The same, from another thread and while the next steps are taken.
        case signalAside(ProcessName, Signal)
        case terminateAside, checkAside
        /// A stranger tries to take the id over.
        case usurp
    }

    /// Every process carries this variable, so that one that is left can be found.
    static let mark = "WINDLASS_SCHEDULES=\(ProcessInfo.processInfo.processIdentifier)"

    let seed: UInt64
    let events = ScheduleEvents()
    let driver: HostComputeDriver
    private(set) var lives: [Life] = []
    let stranger: ScheduleStranger
    /// What was wrong with the stranger's systems at the end.
    private(set) var strangersComplaints: [String] = []
    private var random: SplitMix
    private let aside = DispatchGroup()

    init(seed: UInt64, root: String) {
        self.seed = seed
        stranger = ScheduleStranger(seed: seed, root: root)
        random = SplitMix(seed: seed)
        driver = HostComputeDriver(
            table: HostComputeEmulator.table, name: "hcs-emulator", version: "test", owner: "schedule-\(seed)",
            isolates: false, timeouts: .hasty)
        driver.connect(events)
        stranger.takeItsOwn()
        let containers = random.pick([1, 1, 1, 2, 2, 3])
        for number in 0..<containers {
            guard let id = ContainerID("s\(String(seed, radix: 16))-\(number)") else { continue }
            let hyperV = random.chance(30)
            let life = Life(id: id, hyperV: hyperV, steps: steps(hyperV))
            // Before there is a fault, which would be the stranger's too.
            if random.chance(10) { try? stranger.take(id, hyperV: hyperV) }
            for _ in 0..<Int.random(in: 0...4, using: &random) { life.faults.draw(&random) }
            lives.append(life)
        }
    }

    // MARK: The lives

    private func steps(_ hyperV: Bool) -> [Step] {
        var steps: [Step] = [.create, .start]
        var names: [ProcessName] = [.initial]
        for number in 0..<random.pick([0, 0, 1, 2]) {
            guard let name = ProcessName("exec\(number)") else { continue }
            names.append(name)
            steps.append(.exec(name))
        }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let signal = random.pick([Signal.graceful, .name("KILL"), .name("INT"), .number(1), .number(9)])
            let name = random.pick(names)
            // Anywhere after the start, also before the exec that it is for has begun.
            let place = Int.random(in: 2...steps.count, using: &random)
            steps.insert(random.chance(50) ? .signal(name, signal) : .signalAside(name, signal), at: place)
        }
        if hyperV && random.chance(60) { steps += [.pause, .resume] }
        if random.chance(20) { steps.append(.observe) }
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            let place = Int.random(in: 1...steps.count, using: &random)
            steps.insert(random.chance(50) ? .check : .checkAside, at: place)
        }
        if random.chance(10) {
            steps.insert(.terminateAside, at: Int.random(in: 1...steps.count, using: &random))
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0: steps += [.shutDown]
        case 1: steps += [.terminate, .shutDown]
        case 2: steps += [.terminate]
        case 3: break
        default: steps += [.awaitExit, .shutDown]
        }
        steps.append(.discard)
        if random.chance(25) { steps += [.usurp, random.pick([.terminate, .check, .observe, .create]), .discard] }
        return steps
    }

    /// Takes the steps of all containers, in an order that follows from the seed too.
    func run() {
        while true {
            let open = lives.filter { !$0.steps.isEmpty }
            guard !open.isEmpty else { break }
            let life = random.pick(open)
            let step = life.steps.removeFirst()
            do {
                try take(step, life)
                life.answers.append("\(step): done")
            } catch {
                life.answers.append("\(step): \(error.code) \(error.message)")
            }
        }
        // What a worker does in the end: when the host is well again, everything is discarded that could not be before.
        for life in lives { life.faults.end() }
        aside.wait()
        for life in lives {
            for _ in 0..<5 where !life.discarded || life.faults.lies {
                do {
                    try take(.discard, life)
                    break
                } catch {
                    life.answers.append("last discard: \(error.code) \(error.message)")
                }
            }
            if life.toldAtShutDown == nil { life.toldAtShutDown = events.told(life.id).count }
        }
        meetTheStranger()
    }

    /// The stranger takes every id over that it has not yet, and the driver, which does not know, goes on with all of them.
    private func meetTheStranger() {
        strangersComplaints += stranger.tidyUp()
        for life in lives {
            if !stranger.has(life.id), Self.handlesAreClosed(life.id) {
                do {
                    try stranger.take(life.id, hyperV: life.hyperV)
                } catch {
                    strangersComplaints.append("the id \(life.id) is not free: \(error.message)")
                }
            }
            for step in [Step.create, .check, .terminate, .shutDown, .signal(.initial, .name("KILL")), .discard] {
                do {
                    try take(step, life)
                    life.answers.append("\(step) of the stranger's: done")
                } catch {
                    life.answers.append("\(step) of the stranger's: \(error.code)")
                }
            }
            let known = KnownProcess(name: .initial, pid: 1, terminal: false, startedAt: nil, output: OutputRecorder())
            if stranger.has(life.id), (try? driver.open(life.id, [known])) != nil {
                strangersComplaints.append("the stranger's \(life.id) was opened")
            }
        }
        strangersComplaints += stranger.complaints()
        strangersComplaints += stranger.end()
    }

    /// A call that was made aside gives its handle back when it returns, which may be a moment later.
    static func handlesAreClosed(_ id: ContainerID) -> Bool {
        let deadline = DispatchTime.now() + .seconds(10)
        let never = DispatchSemaphore(value: 0)
        while HostComputeEmulator.openHandles(of: id.rawValue) > 0 {
            if DispatchTime.now() > deadline { return false }
            _ = never.wait(timeout: .now() + .milliseconds(2))
        }
        return true
    }

    private func take(_ step: Step, _ life: Life) throws(DriverFailure) {
        let id = life.id
        switch step {
        case .create:
            _ = try driver.create(id, stranger.specification(id, hyperV: life.hyperV))
        case .start: try start(life, .initial)
        case .exec(let name): try start(life, name)
        case .awaitExit: events.awaitInitial(id, .milliseconds(250))
        case .signal(let name, let signal): try driver.signal(id, name, signal)
        case .signalAside(let name, let signal):
            DispatchQueue.global().async(group: aside) { [driver] in try? driver.signal(id, name, signal) }
        case .terminate: try driver.terminate(id)
        case .terminateAside: DispatchQueue.global().async(group: aside) { [driver] in try? driver.terminate(id) }
        case .check: try driver.check(id)
        case .checkAside: DispatchQueue.global().async(group: aside) { [driver] in try? driver.check(id) }
        case .pause: try driver.pause(id)
        case .resume: try driver.resume(id)
        case .observe:
            _ = try driver.statistics(id)
            _ = try driver.processes(id)
        case .shutDown:
            guard life.started[.initial] != nil else { return }
            _ = try driver.shutDown(id)
            life.toldAtShutDown = events.told(id).count
        case .discard:
            try driver.discard(id)
            life.discarded = true
        case .usurp:
            // The stranger's process does not end by itself, which such a fault waits for.
            guard !life.faults.endsProcesses else { return }
            try stranger.take(id, hyperV: life.hyperV)
        }
    }

    private func start(_ life: Life, _ name: ProcessName) throws(DriverFailure) {
        let code = life.faults.endsProcesses || random.chance(60) ? UInt32.random(in: 0...99, using: &random) : nil
        var process = OCIProcess(args: ["/bin/sleep", "600"])
        if let code { process.args = ["/bin/sh", "-c", "echo out; exit \(code)"] }
        process.env = [Self.mark]
        let output = events.output(life.id, name)
        do throws(DriverFailure) {
            if name == .initial {
                _ = try driver.start(life.id, process, stdin: false, output: output)
            } else {
                _ = try driver.startProcess(life.id, name, process, stdin: false, output: output)
            }
            life.started[name] = code
        } catch {
            life.refused.insert(name)
            throw error
        }
    }
}

extension Timeouts {
    /// So short that a schedule of things that never come ends soon.
    static var hasty: Timeouts {
        var timeouts = Timeouts()
        timeouts.create = .milliseconds(250)
        timeouts.start = .milliseconds(250)
        timeouts.pause = .milliseconds(150)
        timeouts.resume = .milliseconds(150)
        timeouts.shutDown = .milliseconds(250)
        timeouts.terminate = .milliseconds(250)
        timeouts.cleanUp = .milliseconds(250)
        timeouts.signal = .milliseconds(20)
        timeouts.lostExit = .milliseconds(15)
        return timeouts
    }
}
