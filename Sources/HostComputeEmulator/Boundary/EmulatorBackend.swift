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
    /// Is given the callback's handle before anything can be notified, and 0 where the call fails after that.
    var announce: (UInt64) -> Void = { _ in }
}
