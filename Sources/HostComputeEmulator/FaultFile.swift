import FoundationEssentials
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
        var faults: [Fault] = []
        do throws(HostFailure) {
            let entries = try ClientDocument.read([FaultEntry].self, text)
            for (index, entry) in entries.enumerated() {
                do throws(HostFailure) {
                    faults.append(try entry.fault())
                } catch {
                    throw .invalidDocument("entry \(index + 1): \(error.message)")
                }
            }
        } catch {
            throw ConfigurationFailure(description: "fault file '\(path)': \(error.message)")
        }
        return faults
    }

    private static func contents(_ path: String) throws(ConfigurationFailure) -> Data {
        guard let file = fopen(path, "re") else {
            throw ConfigurationFailure(description: "fault file '\(path)': \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes = Data()
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }
}
