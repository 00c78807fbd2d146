/// One way to go wrong, for calls about certain compute systems, a number of times or for ever.
public struct Fault: Sendable {
    /// What happens.
    public enum Effect: Sendable {
        /// The call hangs until the stall is released.
        case stall(Stall)
        /// The call hangs while this file exists; it looks every 10 ms.
        case stallWhile(file: String)
        /// The call takes this much longer.
        case delay(Duration)
        /// The call takes longer, each time by another span.
        case latency(Latency)
        /// The service is restarted under the call, which fails as all handles do.
        case disconnect
        /// The call fails with this HRESULT.
        case fail(Int32)
        /// The call fails with this HRESULT and a result that is not JSON.
        case failUnparsable(Int32)
        /// The operation is accepted; its completion waits until the stall is released.
        case holdCompletion(Stall)
        /// The operation is accepted; its completion carries this failure.
        case failCompletion(Int32)
        /// The operation is accepted and nothing ever comes of it.
        case neverComplete
        /// The operation is complete when the call returns: S_OK, without a completion notification.
        case completeAtOnce
        /// Create process: it has exited before the call returns. Start, pause and resume: the compute system has
        /// ended unexpectedly before the call returns.
        case exitBeforeReturn
        /// Notifications of this type are lost.
        case loseNotification(UInt32)
        /// Notifications of this type come twice.
        case duplicateNotification(UInt32)
        /// The first notification is preceded by one of this type.
        case unknownNotification(UInt32)
        /// SystemExited comes before the ProcessExited of the processes that the end of the system ended.
        case reverseExitOrder
        /// SystemExited carries this status.
        case exitStatus(Int32)
        /// Process properties carry this LastWaitResult.
        case lastWaitResult(Int32)
        /// Process information: the handles that it hands out can be neither read nor written.
        case unusableStreams
        /// Properties succeed without a document.
        case noProperties
        /// PendingUpdates says true.
        case updatesPending
    }

    /// The call; nil for any.
    public var call: EmulatorCall?
    /// The id of the compute system, or the beginning of ids and a `*`.
    public var id: String
    /// How often it strikes; nil for ever.
    public var times: Int?
    /// What happens, in order.
    public var effects: [Effect]

    /// A fault of `effects` in `call` on the compute system `id`.
    public init(call: EmulatorCall? = nil, id: String = "*", times: Int? = 1, effects: Effect...) {
        self.call = call
        self.id = id
        self.times = times
        self.effects = effects
    }

    func covers(_ call: EmulatorCall?, _ id: String) -> Bool {
        if let wanted = self.call, wanted != call { return false }
        if self.id.hasSuffix("*") { return id.hasPrefix(self.id.dropLast()) }
        return self.id == id
    }
}
