import Glibc

/// A file of faults: a JSON array of objects.
///
/// ```json
/// [{"call": "HcsCreateComputeSystem", "id": "stall-*", "stall_while": "/run/a-file", "delay_ms": 0,
///   "hresult": "0xC0370110", "times": 1}]
/// ```
///
/// `call` is an export and required. `id` is a compute system's id, or the beginning of ids and a `*`; absent means
/// all. `stall_while`: the call hangs while that file exists. `delay_ms`: the call takes that much longer. `hresult`:
/// the call then fails with it. `times`: how often; absent means always.
public enum FaultFile {
    static func read(_ path: String) throws(ConfigurationFailure) -> [Fault] {
        let text = try contents(path)
        let document: JSONValue
        do throws(HostFailure) {
            document = try Array(text.utf16).withUnsafeBufferPointer { (units) throws(HostFailure) in
                try JSONParser.parse(units)
            }
        } catch {
            throw ConfigurationFailure(description: "fault file '\(path)': \(error.message)")
        }
        guard case .array(let entries) = document else {
            throw ConfigurationFailure(description: "fault file '\(path)': an array of faults is expected")
        }
        var faults: [Fault] = []
        for (index, entry) in entries.enumerated() {
            do throws(HostFailure) {
                faults.append(try fault(entry))
            } catch {
                throw ConfigurationFailure(
                    description: "fault file '\(path)', entry \(index + 1): \(error.message)")
            }
        }
        return faults
    }

    private static let keys = ["call", "id", "stall_while", "delay_ms", "hresult", "times"]

    private static func fault(_ entry: JSONValue) throws(HostFailure) -> Fault {
        guard case .object(let members) = entry else { throw .invalidDocument("an object is expected.") }
        if let unknown = members.first(where: { !keys.contains($0.key) }) {
            throw .invalidDocument("'\(unknown.key)' is not known; use \(keys.joined(separator: ", ")).")
        }
        guard let name = try entry.string("call"), let call = EmulatorCall(rawValue: name) else {
            throw .invalidDocument("call: the name of an export is expected, such as HcsCreateComputeSystem.")
        }
        var fault = Fault(call: call, id: try entry.string("id") ?? "*", times: nil)
        fault.times = try entry.integer("times", in: 1...1_000_000_000).map(Int.init)
        if let file = try entry.string("stall_while") { fault.effects.append(.stallWhile(file: file)) }
        if let delay = try entry.integer("delay_ms", in: 0...3_600_000), delay > 0 {
            fault.effects.append(.delay(.milliseconds(delay)))
        }
        if let text = try entry.string("hresult") {
            guard text.hasPrefix("0x"), let bits = UInt32(text.dropFirst(2), radix: 16), bits >> 31 == 1 else {
                throw .invalidDocument("hresult: a failure in hexadecimal is expected, such as \"0xC0370110\".")
            }
            fault.effects.append(.fail(Int32(bitPattern: bits)))
        }
        guard !fault.effects.isEmpty else {
            throw .invalidDocument("one of stall_while, delay_ms, hresult is required.")
        }
        return fault
    }

    private static func contents(_ path: String) throws(ConfigurationFailure) -> String {
        guard let file = fopen(path, "re") else {
            throw ConfigurationFailure(description: "fault file '\(path)': \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
