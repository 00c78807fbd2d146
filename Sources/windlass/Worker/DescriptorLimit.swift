import Foundation

/// How many descriptors this process may have: a running container takes a few.
enum DescriptorLimit {
    /// Takes as many as the system allows: shells give 1024, which a few hundred containers use up.
    static func raise() {
        #if canImport(Glibc)
            var limit = rlimit()
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
            limit.rlim_cur = limit.rlim_max
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #endif
    }
}
