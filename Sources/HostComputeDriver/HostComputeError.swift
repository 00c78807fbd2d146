import CHostCompute

/// Why a call into HCS failed. `DriverFailure` is its form for the worker's peers.
struct HostComputeError: Error, Sendable {
    /// What kind of failure.
    enum Reason: Sendable, Equatable {
        /// HCS refused: the normalised code and the HRESULT as it was given.
        case refused(code: UInt32, hresult: UInt32)
        /// The loaded library has no such function.
        case notExported
        /// Text that was to be sent is no UTF-8 or holds a NUL.
        case badText
        case noMemory
        /// This process lacks what a stream needs; the system's error code.
        case exhausted(error: Int32)
        /// A path on the host could not be examined; the system's error code.
        case unreadable(error: Int32)
        /// HCS succeeded and gave no document, or one that cannot be read.
        case noDocument
        /// The handle has been closed on this side.
        case closed
        /// No notification came in time.
        case timedOut(Duration)
        /// The compute system ended while something else was awaited.
        case exitedMeanwhile
        /// The service went away; every handle is dead.
        case disconnected
        /// A compute system that was opened by its id is another owner's.
        case foreign(owner: String)
    }

    /// The function that was called.
    let operation: String
    let reason: Reason
    /// HCS's result document.
    let document: String?

    init(_ operation: StaticString, _ reason: Reason, document: String? = nil) {
        self.operation = operation.description
        self.reason = reason
        self.document = document
    }

    /// The failure of a call; consumes the outcome's document.
    init(_ operation: StaticString, _ outcome: hc_outcome) {
        let document = outcome.document.map { String(cString: $0) }
        hc_free(outcome.document)
        let reason: Reason =
            switch outcome.status {
            case HC_NOT_EXPORTED: .notExported
            case HC_BAD_TEXT: .badText
            case HC_NO_MEMORY: .noMemory
            default: .refused(code: outcome.code, hresult: outcome.hresult)
            }
        self.init(operation, reason, document: document)
    }

    /// The failure that a notification reports. The notification's data, if any, is a result document. [inf]
    init(_ operation: StaticString, status: HcsResult, document: String? = nil) {
        self.init(
            operation, .refused(code: hc_normalise(status), hresult: UInt32(bitPattern: status)), document: document)
    }

    /// The normalised code, where HCS refused.
    var code: UInt32? {
        if case .refused(let code, _) = reason { code } else { nil }
    }

    // The predicates of HostComputeService B.3; where a code has a twin in the newer family, both count.

    /// What was to be stopped has stopped already.
    var isAlreadyStopped: Bool {
        switch code {
        case 0xC037_0110, 0x8037_0110, 0xC037_011F, 0x8037_011F, 0x490, 0x7F: true
        default: false
        }
    }

    /// There is no such compute system or process.
    var isNotFound: Bool {
        switch code {
        case 0xC037_010E, 0x8037_010E, 0x490, 0x7F: true
        default: false
        }
    }

    /// The host or the guest does not know the request.
    var isNotSupported: Bool {
        switch code {
        case 0xC037_010D, 0x8037_010D, 0xC037_010B, 0x8037_010B, 0xD, 0x32, 0x8000_4001: true
        default: reason == .notExported
        }
    }

    var isInvalidState: Bool { code == 0xC037_0105 || code == 0x8037_0105 }

    var isAccessDenied: Bool { code == 5 || code == 0xC037_011B || code == 0x8037_011B }

    var isInvalidHandle: Bool { code == 6 }

    /// What has the id is another owner's.
    var isForeign: Bool {
        if case .foreign = reason { true } else { false }
    }

    /// The target is gone: already stopped, not found, or being closed (HostComputeService H).
    var isGone: Bool { isAlreadyStopped || isNotFound || isInvalidHandle || reason == .closed }
}
