import CHostCompute

/// What a callback is told.
struct Notification: Sendable {
    let type: UInt32
    var status: HcsResult = ResultCode.success
    var data: String?
}
