/// One fault of a fault file, as it is written.
struct FaultEntry: Decodable {
    private let call: String?
    private let id: String?
    private let stallWhile: String?
    private let delay: Int64?
    private let latency: Spans?
    private let exitBeforeReturn: Bool?
    private let disconnect: Bool?
    private let unusableStreams: Bool?
    private let hresult: String?
    private let loseNotification: String?
    private let times: Int64?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case call
        case id
        case stallWhile = "stall_while"
        case delay = "delay_ms"
        case latency
        case exitBeforeReturn = "exit_before_return"
        case disconnect
        case unusableStreams = "unusable_streams"
        case hresult
        case loseNotification = "lose_notification"
        case times
    }

    /// The range of a latency, as it is written.
    private struct Spans: Decodable {
        let least: Int64?
        let most: Int64
        let seed: UInt64?

        enum CodingKeys: String, CodingKey {
            case least = "min_ms"
            case most = "max_ms"
            case seed
        }
    }

    private static let notifications = [
        "SystemExited": NotificationType.systemExited, "SystemCreateCompleted": NotificationType.systemCreateCompleted,
        "SystemStartCompleted": NotificationType.systemStartCompleted,
        "SystemPauseCompleted": NotificationType.systemPauseCompleted,
        "SystemResumeCompleted": NotificationType.systemResumeCompleted,
        "ProcessExited": NotificationType.processExited,
    ]
    /// The calls that something can exit before the return of.
    private static let exitingCalls: [EmulatorCall] = [
        .createProcess, .startComputeSystem, .pauseComputeSystem, .resumeComputeSystem,
    ]
    private static let longest: Int64 = 3_600_000

    init(from decoder: any Decoder) throws {
        // One that is misspelt must not be passed over.
        let names = try decoder.container(keyedBy: DocumentKey.self).allKeys.map(\.stringValue).sorted()
        if let unknown = names.first(where: { CodingKeys(stringValue: $0) == nil }) {
            let known = CodingKeys.allCases.map(\.stringValue).joined(separator: ", ")
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath, debugDescription: "'\(unknown)' is not known; use \(known)."))
        }
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        call = try fields.decodeIfPresent(String.self, forKey: .call)
        id = try fields.decodeIfPresent(String.self, forKey: .id)
        stallWhile = try fields.decodeIfPresent(String.self, forKey: .stallWhile)
        delay = try fields.decodeIfPresent(Int64.self, forKey: .delay)
        latency = try fields.decodeIfPresent(Spans.self, forKey: .latency)
        exitBeforeReturn = try fields.decodeIfPresent(Bool.self, forKey: .exitBeforeReturn)
        disconnect = try fields.decodeIfPresent(Bool.self, forKey: .disconnect)
        unusableStreams = try fields.decodeIfPresent(Bool.self, forKey: .unusableStreams)
        loseNotification = try fields.decodeIfPresent(String.self, forKey: .loseNotification)
        hresult = try fields.decodeIfPresent(String.self, forKey: .hresult)
        times = try fields.decodeIfPresent(Int64.self, forKey: .times)
    }

    /// The fault that the entry stands for.
    func fault() throws(HostFailure) -> Fault {
        var fault = Fault(id: id ?? "*", times: nil)
        fault.times = try ClientDocument.check(times, "times", in: 1...1_000_000_000).map(Int.init)
        fault.effects = try effects()
        if let loseNotification {
            guard let type = Self.notifications[loseNotification] else {
                let names = Self.notifications.keys.sorted().joined(separator: ", ")
                throw .invalidDocument("lose_notification: one of \(names) is expected.")
            }
            guard call == nil, fault.effects.isEmpty else {
                throw .invalidDocument("lose_notification stands without a call and what happens to one.")
            }
            fault.effects = [.loseNotification(type)]
            return fault
        }
        guard let call = call.flatMap(EmulatorCall.init(rawValue:)) else {
            throw .invalidDocument("call: the name of an export is expected, such as HcsCreateComputeSystem.")
        }
        fault.call = call
        guard exitBeforeReturn != true || Self.exitingCalls.contains(call) else {
            let names = Self.exitingCalls.map(\.rawValue).joined(separator: ", ")
            throw .invalidDocument("exit_before_return: one of the calls \(names) is expected.")
        }
        guard unusableStreams != true || call == .getProcessInfo else {
            throw .invalidDocument("unusable_streams: the call \(EmulatorCall.getProcessInfo.rawValue) is expected.")
        }
        guard !fault.effects.isEmpty else {
            let names = CodingKeys.allCases.filter { ![.call, .id, .times].contains($0) }.map(\.stringValue)
            throw .invalidDocument("one of \(names.joined(separator: ", ")) is required.")
        }
        return fault
    }

    /// What happens to the call, in order: it takes its time before it fails.
    private func effects() throws(HostFailure) -> [Fault.Effect] {
        var effects: [Fault.Effect] = []
        if let stallWhile { effects.append(.stallWhile(file: stallWhile)) }
        if let delay = try ClientDocument.check(delay, "delay_ms", in: 0...Self.longest), delay > 0 {
            effects.append(.delay(.milliseconds(delay)))
        }
        if let latency {
            let least = try ClientDocument.check(latency.least, "min_ms", in: 0...Self.longest) ?? 0
            guard (least...Self.longest).contains(latency.most) else {
                throw .invalidDocument("max_ms: an integer from \(least) to \(Self.longest) is expected.")
            }
            effects.append(
                .latency(
                    Latency(.milliseconds(least) ... .milliseconds(latency.most), seed: latency.seed ?? 0)))
        }
        if exitBeforeReturn == true { effects.append(.exitBeforeReturn) }
        if disconnect == true { effects.append(.disconnect) }
        if unusableStreams == true { effects.append(.unusableStreams) }
        if let hresult {
            guard hresult.hasPrefix("0x"), let bits = UInt32(hresult.dropFirst(2), radix: 16), bits >> 31 == 1 else {
                throw .invalidDocument("hresult: a failure in hexadecimal is expected, such as \"0xC0370110\".")
            }
            effects.append(.fail(Int32(bitPattern: bits)))
        }
        return effects
    }
}
