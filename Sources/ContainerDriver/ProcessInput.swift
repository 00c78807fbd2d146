/// The standard input of a process, as the driver hands it out with the process.
///
/// It is written on the worker's loop, so a write never blocks: it asks no service and takes what there is room for. One
/// caller writes at a time. It may be kept after the process has ended; a write then fails.
public protocol ProcessInput: Sendable {
    /// Hands bytes to the process, and ends its input after them where `end` is true.
    /// - Returns: how many bytes were taken; the rest is to be offered again later. The input is ended only where all
    ///   were taken.
    func write(_ bytes: [UInt8], end: Bool) throws(DriverFailure) -> Int
}
