#if canImport(Glibc)
    import Glibc
#endif

/// The error codes of the system that the driver runs on.
enum HostErrors {
    /// The Win32 code for a system error of exhaustion.
    static func win32(_ error: Int32) -> UInt32 {
        #if canImport(Glibc)
            switch error {
            case EMFILE, ENFILE: 0x04
            // Of a thread: as many as may run do.
            case EAGAIN: 0xA4
            // Of a handle that cannot be used.
            case EBADF: 0x06
            default: 0x0E
            }
        #else
            UInt32(bitPattern: error)
        #endif
    }
}
