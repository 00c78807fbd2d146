import CHostCompute
import MessagePack

/// What a callback is given.
struct EmulatedNotification: Sendable {
    let type: UInt32
    var status: HcsResult = ResultCode.success
    var data: String?
}

/// A notification on its way to a client. It begins with a number that no request has: 0.
extension EmulatedNotification {
    /// - Parameter registration: the client's number of the registration that receives it.
    func body(_ registration: UInt64) -> [UInt8] {
        let writer = Writer()
        writer.array(5)
        writer.unsigned(0)
        writer.unsigned(registration)
        writer.unsigned(UInt64(type))
        writer.int(Int64(status))
        if let data { writer.string(data) } else { writer.null() }
        return writer.bytes
    }

    /// Nil for what is no notification.
    static func read(_ fields: [Value]) -> (registration: UInt64, notification: EmulatedNotification)? {
        guard fields.count == 5, fields[0].unsigned == 0, let registration = fields[1].unsigned,
            let type = fields[2].unsigned.flatMap(UInt32.init(exactly:)),
            let status = fields[3].signed.flatMap(HcsResult.init)
        else { return nil }
        return (registration, EmulatedNotification(type: type, status: status, data: fields[4].string))
    }
}
