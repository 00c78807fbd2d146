public import ContainerModel
import ContainerProtocol
import MessagePack

/// Where a page of a process's output begins.
public enum LogStart: Sendable, Equatable {
    /// At this offset, over all streams of the process.
    case offset(UInt64)
    /// With what was written then or later.
    case time(Timestamp)

    var value: Value {
        switch self {
        case .offset(let offset): .unsigned(offset)
        case .time(let time): .timestamp(time)
        }
    }
}
