/// When memory may be given back: in a quiet second, and now and then in busy ones. The C library hands out no memory
/// while it looks through what is free, and the loop would wait for it. Pure.
struct TrimPace {
    private var lastRequests: UInt64 = 0
    private var busySeconds = 0

    /// A second with fewer requests is quiet.
    private static let fewRequests: UInt64 = 100
    /// Busy seconds in a row before it is time anyway.
    private static let mostBusySeconds = 30

    /// A second has passed.
    /// - Parameter requests: how many there have been in all.
    /// - Returns: whether to look now.
    mutating func isDue(requests: UInt64) -> Bool {
        let isQuiet = requests &- lastRequests < TrimPace.fewRequests
        lastRequests = requests
        busySeconds = isQuiet ? 0 : busySeconds + 1
        guard isQuiet || busySeconds >= TrimPace.mostBusySeconds else { return false }
        busySeconds = 0
        return true
    }
}
