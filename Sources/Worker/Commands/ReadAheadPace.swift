/// When the command socket reads ahead: now and then while it is busy, and after every turn while it is behind. Pure.
struct ReadAheadPace {
    /// Whether the last look left something in the socket, or found much: peers send faster than they are served.
    var isBehind = false
    private var turns = 0
    private var interval = ReadAheadPace.shortest

    /// Turns between looks, at first and at most. A peer that only keeps the worker busy costs it next to nothing.
    private static let shortest = 4
    private static let longest = 32
    /// A turn that ended because its time was up, not its number of requests, counts as so many.
    private static let longTurn = 4

    /// A turn has ended with more to read.
    /// - Returns: whether to read ahead now.
    mutating func isDue(wasLong: Bool) -> Bool {
        turns += wasLong ? ReadAheadPace.longTurn : 1
        guard turns >= interval || isBehind else { return false }
        turns = 0
        interval = isBehind ? ReadAheadPace.shortest : min(2 * interval, ReadAheadPace.longest)
        return true
    }
}
