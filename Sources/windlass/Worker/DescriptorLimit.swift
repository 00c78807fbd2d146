import Foundation
import Synchronization

/// How many descriptors this process may have: a running container takes a few.
enum DescriptorLimit {
    /// The least that a program which keeps containers can begin with.
    private static let least = 64

    /// What this program was given, and what its containers get; nil where that is not known.
    static let given = Mutex<Int?>(nil)

    /// Takes as many as the system allows: shells give 1024, which a few hundred containers use up.
    static func raise() throws(ConfigurationError) {
        #if canImport(Glibc)
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
            let soft = Int(clamping: limit.rlim_cur)
            given.withLock { $0 = $0 ?? soft }
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            guard limit.rlim_max < rlim_t(least) else { return }
            throw ConfigurationError(
                "this program may have \(limit.rlim_max) open file descriptors only; raise the limit to \(least) at least, with "
                    + "ulimit -n or LimitNOFILE of its unit")
        #endif
    }
}
