/// The index of a write-ahead log, from the file `-shm`: how many frames were committed.
///
/// It is shared memory that outlives the worker, and that nothing writes to the disk in any order: it can be believed
/// until the machine restarts.
struct WriteAheadIndex: Sendable, Equatable {
    /// How many frames were committed.
    var committedFrames: Int
    /// The number of that filling of the log.
    var salt: [UInt8]

    private static let headerSize = 48

    /// Nil where there is no index in `file`, or one that was not finished.
    init?(_ file: [UInt8]) {
        let size = WriteAheadIndex.headerSize
        guard file.count >= 2 * size, file[0..<size] == file[size..<2 * size] else { return nil }
        // In the order of this machine's bytes.
        let words = file.withUnsafeBytes { bytes in
            stride(from: 0, to: size, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) }
        }
        var (first, second): (UInt32, UInt32) = (0, 0)
        for place in stride(from: 0, to: 10, by: 2) {
            first &+= words[place] &+ second
            second &+= words[place + 1] &+ first
        }
        guard words[0] == 3_007_000, file[12] == 1, words[10] == first, words[11] == second else { return nil }
        committedFrames = Int(words[4])
        salt = Array(file[32..<40])
    }
}
