public import ContainerModel
import ContainerProtocol
import MessagePack

/// The answer to `create`.
public struct Created: Sendable, Equatable {
    public let id: ContainerID
    public let state: ContainerRecord.State
    /// The first process; nil for a container that was not started.
    public let pid: UInt32?
    /// Things that a person should know, such as a processor count that was clamped.
    public let warnings: [String]
    /// Parts of the specification that nothing honours, as dotted paths.
    public let ignored: [String]

    /// Nil where `answer` is none.
    init?(_ answer: Value) {
        guard let id = answer["id"]?.string.flatMap(ContainerID.init),
            let state = answer["state"]?.string.flatMap(ContainerRecord.State.init(rawValue:))
        else { return nil }
        self.id = id
        self.state = state
        pid = answer["pid"]?.unsigned.flatMap { UInt32(exactly: $0) }
        warnings = (answer["warnings"]?.array ?? []).compactMap(\.string)
        ignored = (answer["ignored"]?.array ?? []).compactMap(\.string)
    }
}
