#if canImport(Glibc)
    import Glibc
#endif

/// What a parent has left this program, put right before anything else runs.
enum ParentLegacy {
    /// Opens `/dev/null` for standard streams that are closed, so that no other file takes their place, and lets every
    /// signal through.
    ///
    /// An ignored SIGCHLD would take the exit codes of children away, and a blocked SIGTERM the stop.
    static func putRight() {
        #if canImport(Glibc)
            for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
                // The lowest that is free is the one that is closed: those below it are open by now.
                _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
            }
            signal(SIGCHLD, SIG_DFL)
            var none = sigset_t()
            sigemptyset(&none)
            pthread_sigmask(SIG_SETMASK, &none, nil)
        #endif
    }
}
