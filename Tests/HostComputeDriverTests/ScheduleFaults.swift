import CHostCompute
import Dispatch
import HostComputeEmulator

/// Draws the faults of one compute system, and keeps what has to be let go of at its end.
struct ScheduleFaults {
    let id: String
    private(set) var stalls: [Stall] = []
    /// What was set, in words; for the report of a failure.
    private(set) var drawn: [String] = []
    /// Whether a process must end by itself, because the call that makes it waits for that.
    private(set) var endsProcesses = false
    /// Whether HCS may say that something is gone which is not: then no client can have taken everything down.
    private(set) var lies = false

    init(id: String) { self.id = id }

    /// Calls that may be refused. Not those that close: what HCS refuses to close stays open whatever its client does.
    private static let refusable: [EmulatorCall] = [
        .createComputeSystem, .openComputeSystem, .startComputeSystem, .shutdownComputeSystem,
        .terminateComputeSystem, .pauseComputeSystem, .resumeComputeSystem, .getComputeSystemProperties,
        .registerComputeSystemCallback, .createProcess, .openProcess, .terminateProcess, .signalProcess,
        .getProcessProperties, .modifyProcess, .registerProcessCallback,
    ]
    private static let delayable =
        refusable + [
            .closeComputeSystem, .closeProcess, .unregisterComputeSystemCallback, .unregisterProcessCallback,
        ]
    private static let operations: [EmulatorCall] = [
        .createComputeSystem, .startComputeSystem, .pauseComputeSystem, .resumeComputeSystem,
    ]
    private static let endings: [EmulatorCall] = [.shutdownComputeSystem, .terminateComputeSystem]
    private static let results: [UInt32] = [
        0xC037_0105, 0x8037_0105, 0xC037_0106, 0xC037_010A, 0xC037_010E, 0xC037_0110, 0x8037_0110, 0x8037_011F,
        0x8007_0005, 0x8007_0006, 0x8007_000E, 0x8007_0032, 0x8007_006D, 0x8007_0490, 0x8007_06BF, 0x8000_4005,
    ]
    private static let notifications = [
        HcsNotificationSystemExited, HcsNotificationSystemCreateCompleted, HcsNotificationSystemStartCompleted,
        HcsNotificationSystemPauseCompleted, HcsNotificationSystemResumeCompleted, HcsNotificationProcessExited,
    ].map { UInt32($0) }

    /// Sets one more fault.
    mutating func draw(_ random: inout SplitMix) {
        let result = Int32(bitPattern: random.pick(Self.results))
        let notification = random.pick(Self.notifications)
        switch Int.random(in: 0..<20, using: &random) {
        case 0, 1: set(random.pick(Self.delayable), .delay(.milliseconds(Int.random(in: 1...8, using: &random))))
        case 2:
            let latency = Latency(.zero ... .milliseconds(3), seed: random.next())
            set(random.pick(Self.delayable), .latency(latency), times: nil)
        case 3, 4: set(random.pick(Self.delayable), .stall(stall(&random)))
        case 5, 6:
            lies = true
            set(random.pick(Self.refusable), .fail(result), times: Int.random(in: 1...2, using: &random))
        case 7:
            lies = true
            set(random.pick(Self.refusable), .failUnparsable(result))
        case 8: set(random.pick(Self.operations + Self.endings), .holdCompletion(stall(&random)))
        case 9: set(random.pick(Self.operations), .failCompletion(result))
        case 10: set(random.pick(Self.operations + Self.endings), .neverComplete)
        case 11: set(random.pick(Self.operations + Self.endings), .completeAtOnce)
        case 12:
            set(.createProcess, .exitBeforeReturn)
            endsProcesses = true
        case 13: set(random.pick([.startComputeSystem, .pauseComputeSystem, .resumeComputeSystem]), .exitBeforeReturn)
        case 14, 15: set(nil, .loseNotification(notification), times: random.pick([1, 1, nil]))
        case 16: set(nil, .duplicateNotification(notification), times: nil)
        case 17: set(nil, .unknownNotification(random.pick([0, 6, 7, 0xA, 0xE, 0x42])), times: nil)
        case 18: set(nil, random.pick([.reverseExitOrder, .exitStatus(result)]), times: nil)
        default:
            let call = random.pick([EmulatorCall.getProcessProperties, .getComputeSystemProperties])
            let blind = Fault.Effect.lastWaitResult(109)
            set(call, call == .getProcessProperties && random.chance(50) ? blind : .noProperties)
        }
    }

    /// A stall that a timer releases, whatever hangs in it.
    private mutating func stall(_ random: inout SplitMix) -> Stall {
        let stall = Stall()
        stalls.append(stall)
        let time = DispatchTime.now() + .milliseconds(Int.random(in: 1...120, using: &random))
        DispatchQueue.global().asyncAfter(deadline: time) { stall.release() }
        return stall
    }

    private mutating func set(_ call: EmulatorCall?, _ effect: Fault.Effect, times: Int? = 1) {
        HostComputeEmulator.faults.add(Fault(call: call, id: id, times: times, effects: effect))
        drawn.append("\(call?.rawValue ?? "any call"): \(effect)")
    }

    /// From here on nothing goes wrong any more.
    func end() {
        HostComputeEmulator.faults.clear(id: id)
        for stall in stalls { stall.release() }
    }
}
