import CHostCompute
import MessagePack

/// A notification on its way to the client. It begins with a number that no request has: 0.
struct ServiceNotification: Sendable {
    /// The client's number of the registration that hears it.
    var registration: UInt64
    var type: UInt32
    var status: HcsResult
    var data: String?

    init(_ notification: Notification, registration: UInt64) {
        self.registration = registration
        type = notification.type
        status = notification.status
        data = notification.data
    }

    /// Nil for what is no notification.
    init?(_ fields: [Value]) {
        guard fields.count == 5, fields[0].unsigned == 0, let registration = fields[1].unsigned,
            let type = fields[2].unsigned.flatMap(UInt32.init(exactly:)),
            let status = fields[3].signed.flatMap(HcsResult.init)
        else { return nil }
        self.registration = registration
        self.type = type
        self.status = status
        data = fields[4].string
    }

    /// What a callback is told.
    var notification: Notification { Notification(type: type, status: status, data: data) }

    var body: [UInt8] {
        let writer = Writer()
        writer.array(5)
        writer.unsigned(0)
        writer.unsigned(registration)
        writer.unsigned(UInt64(type))
        writer.int(Int64(status))
        if let data { writer.string(data) } else { writer.null() }
        return writer.bytes
    }
}
