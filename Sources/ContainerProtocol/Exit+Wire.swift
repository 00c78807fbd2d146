public import ContainerModel
public import MessagePack

extension Exit: WireEncodable {
    public func encode(to writer: Writer) {
        writer.map(5)
        writer.string("code")
        writer.unsigned(UInt64(code))
        writer.string("known")
        writer.bool(known)
        writer.string("reason")
        writer.string(reason.rawValue)
        writer.string("at")
        writer.timestamp(at)
        writer.string("observed_by")
        writer.string(observedBy.rawValue)
    }

    /// Reads an exit; nil where `value` is none.
    public init?(_ value: Value?) {
        guard let value, let code = value["code"]?.unsigned.flatMap({ UInt32(exactly: $0) }),
            let known = value["known"]?.bool, let at = value["at"]?.timestamp,
            let reason = value["reason"]?.string.flatMap(Reason.init(rawValue:)),
            let observedBy = value["observed_by"]?.string.flatMap(Observer.init(rawValue:))
        else { return nil }
        self.init(code: code, reason: reason, at: at, observedBy: observedBy)
        self.known = known
    }
}
