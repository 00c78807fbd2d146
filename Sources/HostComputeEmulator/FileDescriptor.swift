import CLinux
import Glibc

/// File descriptors of the emulator: close-on-exec, and above 2 so that none is taken for a standard stream or for
/// "no handle".
enum FileDescriptor {
    static let none: Int32 = -1

    /// A pipe, or the errno that denied it.
    static func pipe() -> (read: Int32, write: Int32)? {
        var ends: [Int32] = [none, none]
        guard linux_pipe(&ends) == 0 else { return nil }
        let read = raise(ends[0])
        let write = raise(ends[1])
        guard read >= 0, write >= 0 else {
            close(read)
            close(write)
            return nil
        }
        return (read, write)
    }

    static func duplicate(_ descriptor: Int32) -> Int32 {
        fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    }

    /// Whether `count` descriptors are free now; errno is the reason if not. Other threads may take them meanwhile.
    static func areFree(_ count: Int) -> Bool {
        var taken: [Int32] = []
        defer { for descriptor in taken { close(descriptor) } }
        for _ in 0..<count {
            let descriptor = open("/dev/null", O_RDONLY)
            guard descriptor >= 0 else { return false }
            taken.append(descriptor)
        }
        return true
    }

    static func open(_ path: String, _ flags: Int32) -> Int32 {
        raise(Glibc.open(path, flags | O_CLOEXEC))
    }

    /// A reference to what `descriptor` is open on that neither reads nor writes: it keeps no pipe alive, so a writer
    /// still learns that its reader has gone, and `reopen` makes a reader of it.
    static func reference(_ descriptor: Int32) -> Int32 {
        open("/proc/self/fd/\(descriptor)", linux_path_only)
    }

    static func reopen(_ reference: Int32) -> Int32 {
        open("/proc/self/fd/\(reference)", O_RDONLY)
    }

    static func close(_ descriptor: Int32) {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// The same descriptor, or one above 2 in its place.
    static func raise(_ descriptor: Int32) -> Int32 {
        guard descriptor >= 0, descriptor <= 2 else { return descriptor }
        defer { close(descriptor) }
        return duplicate(descriptor)
    }
}
