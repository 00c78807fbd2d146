/// The standard input of a process, which the driver returns with the process.
///
/// It is written on the worker's loop, so a write never blocks: it makes no service call, and takes as many bytes as
/// its buffer has room for. One caller writes at a time. It may be kept after the process has ended; a write then
/// fails.
public protocol ProcessInput: Sendable {
    /// Writes bytes to the process, and ends its input after them if `end` is true.
    /// - Returns: how many bytes were taken; the caller offers the rest again later. The input is ended only if all
    ///   bytes were taken.
    func write(_ bytes: [UInt8], end: Bool) throws(DriverFailure) -> Int
    /// How many bytes the process has been given since its start, also by a worker before this one: where the next byte
    /// goes. Nil where that is not known.
    var position: UInt64? { get }
}

extension ProcessInput {
    /// Not known.
    public var position: UInt64? { nil }
}
