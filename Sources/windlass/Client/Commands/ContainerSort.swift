import ContainerModel
import ArgumentParser
import ContainerProtocol
import MessagePack

/// The order in which `ps` lists containers. Pure.
enum ContainerSort: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// The youngest first.
    case created
    case name, state, pid, command
    /// The last to exit first.
    case exit

    /// Podman's words are taken too.
    init?(argument: String) {
        switch argument {
        case "id", "names": self = .name
        case "status": self = .state
        case "age", "runningfor": self = .created
        default: self.init(rawValue: argument)
        }
    }

    /// The rows in order; the name decides between equal ones.
    func sorted(_ rows: [ContainerRow]) -> [ContainerRow] {
        rows.sorted { left, right in
            switch self {
            case .name: left.id < right.id
            case .created: ContainerSort.order(right.created, left.created, left, right)
            case .exit: ContainerSort.order(right.exited, left.exited, left, right)
            case .state: ContainerSort.order(left.state, right.state, left, right)
            case .command: ContainerSort.order(left.command, right.command, left, right)
            case .pid: ContainerSort.order(left.pid, right.pid, left, right)
            }
        }
    }

    private static func order<Key: Comparable>(
        _ first: Key, _ second: Key, _ left: ContainerRow, _ right: ContainerRow
    ) -> Bool {
        first == second ? left.id < right.id : first < second
    }
}

/// A container in a list: its record, and the command that it was made with.
struct ContainerRow: Sendable {
    let record: Value
    var command = ""

    var id: String { record["id"]?.string ?? "" }
    var state: String { record["state"]?.string ?? "" }
    var pid: UInt64 { record["pid"]?.unsigned ?? 0 }
    var created: Timestamp { record["created_at"]?.timestamp ?? .epoch }
    var exited: Timestamp { Exit(record["exit"])?.at ?? .epoch }

    /// The command of an OCI process as a person would type it.
    static func command(_ process: Value?) -> String {
        if let line = process?["commandLine"]?.string { return line }
        return (process?["args"]?.array ?? []).map { quoted($0.string ?? "") }.joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./:=,@%+".contains($0) }
        return isPlain ? word : "'\(word.replacing("'", with: #"'\''"#))'"
    }
}
