/// One fault of a fault file, as it is written.
struct FaultEntry: Decodable {
    private let call: String?
    private let id: String?
    private let stallWhile: String?
    private let delay: Int64?
    private let hresult: String?
    private let times: Int64?

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case call
        case id
        case stallWhile = "stall_while"
        case delay = "delay_ms"
        case hresult
        case times
    }

    /// Any name: one that is misspelt must not be passed over.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: Name.self).allKeys.map(\.stringValue).sorted()
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
        hresult = try fields.decodeIfPresent(String.self, forKey: .hresult)
        times = try fields.decodeIfPresent(Int64.self, forKey: .times)
    }

    /// The fault that the entry stands for.
    func fault() throws(HostFailure) -> Fault {
        guard let call = call.flatMap(EmulatorCall.init(rawValue:)) else {
            throw .invalidDocument("call: the name of an export is expected, such as HcsCreateComputeSystem.")
        }
        var fault = Fault(call: call, id: id ?? "*", times: nil)
        fault.times = try ClientDocument.check(times, "times", in: 1...1_000_000_000).map(Int.init)
        if let stallWhile { fault.effects.append(.stallWhile(file: stallWhile)) }
        if let delay = try ClientDocument.check(delay, "delay_ms", in: 0...3_600_000), delay > 0 {
            fault.effects.append(.delay(.milliseconds(delay)))
        }
        if let hresult {
            guard hresult.hasPrefix("0x"), let bits = UInt32(hresult.dropFirst(2), radix: 16), bits >> 31 == 1 else {
                throw .invalidDocument("hresult: a failure in hexadecimal is expected, such as \"0xC0370110\".")
            }
            fault.effects.append(.fail(Int32(bitPattern: bits)))
        }
        guard !fault.effects.isEmpty else {
            throw .invalidDocument("one of stall_while, delay_ms, hresult is required.")
        }
        return fault
    }
}
