import Synchronization

/// The words of failures: those of HCS, or plain ones where the emulator stands in for it.
public enum HostWords {
    static let arePlain = Atomic(false)

    /// From now on failures of this program are reported without functions and codes of Windows, which a host without it
    /// knows nothing of. Programs find both in a failure's fields all the same.
    public static func usePlain() { arePlain.store(true, ordering: .relaxed) }

    /// What a function of HCS does.
    private static let deeds = [
        "HcsCreateComputeSystem": "creating", "HcsOpenComputeSystem": "opening", "HcsStartComputeSystem": "starting",
        "HcsShutdownComputeSystem": "shutting down", "HcsTerminateComputeSystem": "ending",
        "HcsPauseComputeSystem": "pausing", "HcsResumeComputeSystem": "resuming",
        "HcsModifyComputeSystem": "changing", "HcsGetComputeSystemProperties": "asking for",
        "HcsEnumerateComputeSystems": "listing", "HcsRegisterComputeSystemCallback": "watching",
        "HcsCreateProcess": "starting", "HcsOpenProcess": "opening", "HcsTerminateProcess": "ending",
        "HcsSignalProcess": "signalling", "HcsModifyProcess": "changing", "HcsGetProcessInfo": "asking for",
        "HcsGetProcessProperties": "asking for", "HcsRegisterProcessCallback": "watching",
        "HcsGetServiceProperties": "asking for",
    ]

    static func plain(
        _ operation: String, _ subject: String, _ words: String, said: String?, _ advice: String
    ) -> String {
        let words = words.replacing("the vmcompute service", with: "the emulator service").replacing("HCS", with: "it")
        let advice = advice.replacing("the vmcompute service", with: "the emulator service")
        // What the service says is the most exact, and often says what to do.
        let reason = said.map { "\(words): \($0)" } ?? "\(words); \(advice)"
        return "\(deeds[operation] ?? operation) \(subject) failed: \(reason)"
    }
}
