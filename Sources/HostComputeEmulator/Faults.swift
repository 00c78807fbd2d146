import CHostCompute
import Glibc
import Synchronization

/// The faults that are set. While there are none, asking for one costs a relaxed load.
public final class Faults: Sendable {
    private let armed = Atomic(false)
    private let faults = Mutex<[Fault]>([])

    init() {}

    /// Sets one more fault. Faults strike in the order in which they were set.
    public func add(_ fault: Fault) {
        faults.withLock { $0.append(fault) }
        armed.store(true, ordering: .releasing)
    }

    /// The next `call` on `id` hangs until the returned stall is released.
    public func stall(_ call: EmulatorCall, id: String = "*", times: Int? = 1) -> Stall {
        let stall = Stall()
        add(Fault(call: call, id: id, times: times, effects: .stall(stall)))
        return stall
    }

    /// The next `times` calls on `id` fail with `hresult`.
    public func fail(_ call: EmulatorCall, id: String = "*", hresult: Int32, times: Int? = 1) {
        add(Fault(call: call, id: id, times: times, effects: .fail(hresult)))
    }

    /// Sets the faults of a file, in the form of `FaultFile`.
    public func load(file: String) throws(ConfigurationFailure) {
        for fault in try FaultFile.read(file) { add(fault) }
    }

    /// Takes every fault away, or only those for exactly this `id`. Calls that hang in a stall stay there.
    public func clear(id: String? = nil) {
        faults.withLock { faults in
            faults.removeAll { id == nil || $0.id == id }
            armed.store(!faults.isEmpty, ordering: .releasing)
        }
    }

    var isArmed: Bool { armed.load(ordering: .relaxed) }

    /// The effects that `choose` picks among those that now strike, each used up once.
    func strike<Choice: Sendable>(_ call: EmulatorCall?, _ id: String, _ choose: (Fault.Effect) -> Choice?) -> [Choice]
    {
        guard isArmed else { return [] }
        return faults.withLock { faults in
            var choices: [Choice] = []
            for index in faults.indices where faults[index].covers(call, id) && faults[index].times != 0 {
                let chosen = faults[index].effects.compactMap(choose)
                if chosen.isEmpty { continue }
                choices += chosen
                if let times = faults[index].times { faults[index].times = times - 1 }
            }
            faults.removeAll { $0.times == 0 }
            armed.store(!faults.isEmpty, ordering: .releasing)
            return choices
        }
    }

    func dropsProperties(_ call: EmulatorCall, _ id: String) -> Bool {
        !strike(call, id) { (effect) -> Bool? in if case .noProperties = effect { true } else { nil } }.isEmpty
    }

    func spoilsStreams(_ id: String) -> Bool {
        !strike(.getProcessInfo, id) { (effect) -> Bool? in if case .unusableStreams = effect { true } else { nil } }
            .isEmpty
    }

    func exitsBeforeReturn(_ call: EmulatorCall, _ id: String) -> Bool {
        !strike(call, id) { (effect) -> Bool? in if case .exitBeforeReturn = effect { true } else { nil } }.isEmpty
    }

    /// Called first by every call: delays, hangs or fails it as the faults demand.
    func enter(_ call: EmulatorCall, _ id: String) throws(HostFailure) {
        guard isArmed else { return }
        let effects = strike(call, id) { (effect) -> Fault.Effect? in
            switch effect {
            case .stall, .stallWhile, .delay, .latency, .disconnect, .fail, .failUnparsable: effect
            default: nil
            }
        }
        for effect in effects {
            switch effect {
            case .stall(let stall): stall.hold()
            case .stallWhile(let file):
                while access(file, F_OK) == 0 { usleep(10_000) }
            case .delay(let duration): usleep(UInt32(clamping: duration.wholeMicroseconds))
            case .latency(let latency): usleep(UInt32(clamping: latency.next().wholeMicroseconds))
            case .disconnect:
                ComputeService.shared.disconnect()
                throw ComputeService.dead
            case .fail(let code):
                throw HostFailure(code: code, message: "\(call.rawValue) failed on purpose.")
            case .failUnparsable(let code):
                throw HostFailure(code: code, message: HostFailure.unparsable)
            default: break
            }
        }
    }
}
