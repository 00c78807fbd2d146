/// The pause before input is offered again to a process that has not taken all of it. It grows each time that the
/// process takes nothing.
struct InputPause {
    private static let shortest = Duration.milliseconds(1)
    private static let longest = Duration.milliseconds(200)
    private var pause = InputPause.shortest

    /// The next pause.
    /// - Parameter isFull: whether nothing at all was taken.
    mutating func next(isFull: Bool) -> Duration {
        pause = isFull ? min(pause * 2, InputPause.longest) : InputPause.shortest
        return pause
    }
}
