import ContainerModel
import ContainerProtocol
import Foundation

/// One look at what the worker stands on besides the driver. It may block, so it is taken on a thread of its own.
struct FootingLook: Sendable {
    /// A path that must go on naming the same file.
    struct Place: Sendable {
        let path: String
        let identity: FileIdentity
        /// What it is, for people.
        let what: String

        /// Nil where the path names nothing now.
        init?(_ path: String, _ what: String) {
            guard let identity = FileIdentity(path) else { return nil }
            (self.path, self.identity, self.what) = (path, identity, what)
        }
    }

    let stateDirectory: String
    /// The state directory, and the files in it that stay open.
    let places: [Place]

    /// Descriptors that must be free for another container.
    private static let spareDescriptors = 16

    /// What is wrong with the state directory; nil where nothing is.
    func stateTrouble() -> Footing.Trouble? {
        for place in places {
            let found = FileIdentity(place.path)
            guard found != place.identity else { continue }
            let happened = found == nil ? "was removed" : "was replaced by another"
            return Footing.Trouble(
                .unavailable,
                "\(place.what) \(place.path) \(happened) while the worker runs, and what is recorded now ends with it; put the "
                    + "old one back, or start the worker anew")
        }
        return writeTrouble()
    }

    /// Writes a file. A disk that is full is reported by those that have something to write.
    private func writeTrouble() -> Footing.Trouble? {
        let path = URL(fileURLWithPath: stateDirectory).appendingPathComponent("probe").path
        do throws(FileTrouble) {
            try StateDirectory.write([1], to: path, for: .writingAnew)
            try? FileManager.default.removeItem(atPath: path)
            return nil
        } catch {
            switch error.code {
            case ENOSPC, EMFILE, ENFILE: return nil
            default:
                return Footing.Trouble(
                    .unavailable,
                    "the state directory \(stateDirectory) cannot be written to (\(error)); make it writable again")
            }
        }
    }

    /// Whether descriptors are free; nil where enough are.
    static func descriptorTrouble() -> Footing.Trouble? {
        #if canImport(Glibc)
            var opened: [Int32] = []
            defer { for descriptor in opened { close(descriptor) } }
            for _ in 0..<FootingLook.spareDescriptors {
                let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
                guard descriptor < 0 else {
                    opened.append(descriptor)
                    continue
                }
                let isOwn = errno == EMFILE
                guard isOwn || errno == ENFILE else { return nil }
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                return Footing.Trouble(
                    .resourceExhausted,
                    isOwn
                        ? "fewer than \(FootingLook.spareDescriptors) file descriptors are free of the \(limit.rlim_cur) that the "
                            + "worker may have; raise ulimit -n, or LimitNOFILE of its unit"
                        : "the system has no file descriptor left; raise fs.file-max")
            }
        #endif
        return nil
    }
}
