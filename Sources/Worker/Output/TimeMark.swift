import ContainerModel
import DequeModule
import MessagePack

/// When the byte at an offset was written, and those after it up to the next mark.
struct TimeMark: Sendable, Equatable {
    var offset: UInt64
    var time: Timestamp
}

extension Deque<TimeMark> {
    /// The index of the mark that the byte at `offset` has; nil where none was written by then.
    func before(_ offset: UInt64) -> Int? {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].offset <= offset { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? nil : low - 1
    }
}
