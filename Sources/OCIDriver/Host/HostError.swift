import ContainerDriver
import Glibc

/// A call of the host's system that failed.
struct HostError: Error, Equatable {
    /// What was being done, such as `making`.
    let action: String
    let path: String
    let code: Int32

    init(_ action: String, _ path: String, code: Int32 = errno) {
        self.action = action
        self.path = path
        self.code = code
    }

    var reason: String { String(cString: strerror(code)) }

    var failure: DriverFailure {
        switch code {
        case ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, EAGAIN:
            DriverFailure(.resourceExhausted, "\(action) \(path): \(reason)", retryable: true)
        case EACCES, EPERM: DriverFailure(.permissionDenied, "\(action) \(path): \(reason); the driver needs root")
        default: DriverFailure(.internal, "\(action) \(path): \(reason)")
        }
    }
}
