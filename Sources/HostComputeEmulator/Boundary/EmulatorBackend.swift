/// What answers the calls of the table: the emulator of this process, or a service in another.
protocol EmulatorBackend {
    /// - Parameter subscription: what a call registers; nil for every other call.
    func answer(_ request: EmulatorRequest, _ subscription: Subscription?) throws(HostFailure) -> EmulatorReply
}

extension EmulatorBackend {
    /// The answer; a failure is one, too.
    func reply(to request: EmulatorRequest, _ subscription: Subscription? = nil) -> EmulatorReply {
        do throws(HostFailure) {
            return try answer(request, subscription)
        } catch {
            return EmulatorReply(error)
        }
    }
}

/// What a call that registers a callback brings beside its request.
struct Subscription {
    let registration: Registration
    /// Where the caller wants the callback's handle, which is there before the first notification; nil where the reply
    /// is enough.
    var out: UnsafeMutablePointer<UnsafeMutableRawPointer?>?

    /// - Parameter handle: 0 where the call has failed.
    func announce(_ handle: UInt64) { out?.pointee = UnsafeMutableRawPointer(bitPattern: UInt(handle)) }
}
