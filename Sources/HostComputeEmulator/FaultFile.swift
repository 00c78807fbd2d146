import FoundationEssentials
import Glibc

/// A file of faults: a JSON array of objects.
///
/// ```json
/// [{"call": "HcsCreateComputeSystem", "id": "stall-*", "stall_while": "/run/a-file", "delay_ms": 0,
///   "hresult": "0xC0370110", "times": 1}]
/// ```
///
/// `call` is an export. `id` is a compute system's id, or the beginning of ids and a `*`; absent means all. `times`: how
/// often; absent means always. What happens:
///
/// - `stall_while`: the call hangs while that file exists.
/// - `delay_ms`: the call takes that much longer.
/// - `latency`, such as `{"min_ms": 1, "max_ms": 50, "seed": 7}`: the call takes longer by another span each time, drawn
///   evenly; the same seed (absent means 0) draws the same spans.
/// - `exit_before_return`, true: the process that the call creates has ended before it returns, or the compute system
///   that it starts, pauses or resumes. A process ends by itself; the call waits for that.
/// - `disconnect`, true: the service restarts under the call.
/// - `unusable_streams`, true, of `HcsGetProcessInfo`: the handles that it hands out to a worker that comes later can be
///   neither read nor written.
/// - `hresult`: the call then fails with it.
/// - `lose_notification`, in place of a call: the name of a notification, such as `ProcessExited`, that is lost.
public enum FaultFile {
    /// Reads the file and does nothing else.
    public static func check(_ path: String) throws(ConfigurationFailure) { _ = try read(path) }

    static func read(_ path: String) throws(ConfigurationFailure) -> [Fault] {
        guard let text = LiveProcesses.read(path) else {
            throw ConfigurationFailure(description: "fault file '\(path)': \(String(cString: strerror(errno)))")
        }
        var faults: [Fault] = []
        do throws(HostFailure) {
            let entries = try ClientDocument.read([FaultEntry].self, Data(text.utf8))
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
}
