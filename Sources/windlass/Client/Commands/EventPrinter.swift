import ContainerModel
import ContainerProtocol
import MessagePack

/// Prints events, one a line.
struct EventPrinter: Sendable {
    let console: Console

    func print(_ event: Value) throws {
        switch console.format {
        case .json: try console.json(event)
        case .table: try console.line(EventPrinter.line(event, colour: console.hasColour))
        }
    }

    /// Number, time, type, container, and all other fields of the event.
    static func line(_ event: Value, colour: Bool) -> String {
        let type = event["type"]?.string ?? ""
        let exit = Exit(event["exit"])
        let style = style(type, exit)
        let columns = [
            padded(String(event["seq"]?.unsigned ?? 0), 6, atStart: true),
            event["time"]?.timestamp?.rfc3339(digits: 3) ?? "",
            padded(type, 12), padded(event["id"]?.string ?? "-", 24),
        ].map(\.printable)
        var words = columns
        if colour {
            words[1] = Table.Style.dim.apply(to: words[1])
            if let style { words[2] = style.apply(to: words[2]) }
        }
        words += details(event, exit).map(\.printable)
        return words.joined(separator: "  ").trimmingSpaces
    }

    private static func details(_ event: Value, _ exit: Exit?) -> [String] {
        var details: [String] = []
        if let process = event["process"]?.string, process != "init" { details.append("process=\(process)") }
        if let pid = event["pid"]?.unsigned { details.append("pid=\(pid)") }
        // A deletion repeats the exit; it is news only where the container never ran.
        if let exit, event["type"] != "delete" || !exit.known {
            details.append("code=\(exit.known ? exit.codeText : "unknown")")
            details.append("reason=\(exit.reason.rawValue)")
        }
        if event["update_pending"]?.bool == true { details.append("update_pending") }
        for key in ["operation", "request_id"] {
            if let text = event[key]?.string { details.append("\(key)=\(text)") }
        }
        for (key, value) in event["labels"]?.map ?? [:] { details.append("\(key)=\(value.string ?? "")") }
        return details
    }

    private static func style(_ type: String, _ exit: Exit?) -> Table.Style? {
        switch Event.Kind(rawValue: type) {
        case .create, .exec, .update: .cyan
        case .start, .resume, .restore, .unstuck, .workerStart: .green
        case .exit, .execExit: exit?.style ?? .red
        case .pause, .workerDrain, .workerStop: .yellow
        case .oom, .stuck: .red
        case .delete: .dim
        case nil: nil
        }
    }

    private static func padded(_ text: String, _ width: Int, atStart: Bool = false) -> String {
        let space = String(repeating: " ", count: max(0, width - text.count))
        return atStart ? space + text : text + space
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
