import CHostCompute

/// How a compute system ended.
struct SystemExit: Sendable {
    /// The type as HostComputeService C.2 names it.
    enum Kind: String {
        case gracefulExit = "GracefulExit"
        case forcedExit = "ForcedExit"
        case unexpectedExit = "UnexpectedExit"
    }

    var status: HcsResult
    var kind: Kind

    var notification: EmulatedNotification {
        var data = JSONObject()
        data.add("Status", status)
        data.add("ExitType", string: kind.rawValue)
        return EmulatedNotification(type: NotificationType.systemExited, status: status, data: data.finish())
    }
}
