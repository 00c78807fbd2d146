public import ContainerModel
public import MessagePack

extension Event: WireEncodable {
    public func encode(to writer: Writer) {
        var count = 5 + Writer.count(id) + Writer.count(process) + Writer.count(pid) + Writer.count(exit)
        count += Writer.count(isUpdatePending) + Writer.count(state) + Writer.count(requestID)
        count += Writer.count(traceparent) + Writer.count(operation) + (labels.isEmpty ? 0 : 1)
        writer.map(count)
        writer.string("host")
        writer.string(host)
        writer.string("epoch")
        writer.unsigned(epoch)
        writer.string("seq")
        writer.unsigned(seq)
        writer.string("time")
        writer.timestamp(time)
        writer.string("type")
        writer.string(kind.rawValue)
        field("id", id?.rawValue, writer)
        field("process", process?.rawValue, writer)
        if let pid {
            writer.string("pid")
            writer.unsigned(UInt64(pid))
        }
        if let exit {
            writer.string("exit")
            exit.encode(to: writer)
        }
        if let isUpdatePending {
            writer.string("update_pending")
            writer.bool(isUpdatePending)
        }
        field("state", state?.rawValue, writer)
        field("request_id", requestID, writer)
        field("traceparent", traceparent, writer)
        if !labels.isEmpty {
            writer.string("labels")
            writer.labels(labels)
        }
        field("operation", operation, writer)
    }

    private func field(_ key: StaticString, _ text: String?, _ writer: Writer) {
        guard let text else { return }
        writer.string(key)
        writer.string(text)
    }
}
