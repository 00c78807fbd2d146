/// How many commands wait in the queues of all containers, and in the longest. Pure.
///
/// No container is visited for an answer: it reports that its queue has grown or shrunk.
struct QueueDepths {
    /// How many queues have a depth, for each depth from 1 on.
    private var counts: [Int] = []
    /// How many commands wait in all queues.
    private(set) var sum = 0
    /// How many wait in the longest.
    private(set) var longest = 0

    /// A queue is now so deep that was so deep before.
    mutating func change(from old: Int, to new: Int) {
        guard old != new else { return }
        sum += new - old
        if new > counts.count { counts.append(contentsOf: repeatElement(0, count: new - counts.count)) }
        if new > 0 { counts[new - 1] += 1 }
        if old > 0, old <= counts.count { counts[old - 1] -= 1 }
        longest = max(longest, new)
        while longest > 0, counts[longest - 1] <= 0 { longest -= 1 }
    }
}
