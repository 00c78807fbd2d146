/// The origin of a call.
enum Caller: Sendable {
    /// A part of this process, which lives as long as the emulator does.
    case local
    /// A client of the service, which can die while its call is under way.
    case client(FrameSocket)

    /// Refuses a call whose client has died. No client would know what the call creates, and the next client may have
    /// looked for it already.
    func checkAlive() throws(HostFailure) {
        guard case .client(let socket) = self, socket.hasLostPeer else { return }
        throw HostFailure(code: ResultCode.cancelled, message: "The client has gone.")
    }
}
