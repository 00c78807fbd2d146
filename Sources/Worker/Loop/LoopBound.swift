/// Carries a value that belongs to the loop through code that runs on any thread. Only the loop can take it out.
///
/// This is the one door back into the core's classes, none of which is `Sendable`: a driver call, the journal and the
/// containers hold what they need of the loop in such a box.
struct LoopBound<Value>: @unchecked Sendable {
    // Sendable: `value` can be read on the loop's thread only, and traps elsewhere.
    private let bound: Value
    private let loop: any HostLoop

    /// Binds `value` to `loop`.
    init(_ value: Value, to loop: any HostLoop) {
        bound = value
        self.loop = loop
    }

    /// The value. On the loop only.
    var value: Value {
        precondition(loop.isCurrent, "this value belongs to the loop's thread")
        return bound
    }
}
