/// SQLite's write-ahead log, as its bytes are in the file `-wal`: what SQLite will take from it, and whether more was
/// there.
///
/// SQLite reads up to the first frame whose checksum is wrong and silently forgets all that follows. After a kill or a
/// loss of power that is right: the rest was never finished. Whole frames that follow a broken one say that it was
/// finished, and has been damaged since. The format is described at https://www.sqlite.org/walformat.html.
struct WriteAheadLog: Sendable {
    /// What becomes of the log when SQLite opens it.
    enum Standing: Sendable, Equatable {
        /// Nothing is left aside.
        case whole
        /// The last frames were begun and not finished, or the last frame is damaged.
        case torn(frame: Int)
        /// This frame is damaged; whole ones follow it. Frame 0 is the beginning of the log.
        case damaged(frame: Int)
    }

    private(set) var standing = Standing.whole
    /// How many frames SQLite takes: those up to the last commit.
    private(set) var committedFrames = 0
    /// The number of this filling of the log, as eight bytes; nil where the log does not begin as one.
    private(set) var salt: ArraySlice<UInt8>?

    private static let headerSize = 32
    private static let frameHeaderSize = 24

    /// What `file` holds.
    init(_ file: [UInt8]) {
        guard !file.isEmpty else { return }
        guard let header = Header(file) else {
            let isFollowed = Header.guesses(file).contains { WriteAheadLog.hasWholeFrame(file, $0, after: -1) }
            standing = isFollowed ? .damaged(frame: 0) : .torn(frame: 0)
            return
        }
        salt = header.salt
        var sum = header.sum
        for index in 0..<header.frameCount(file) {
            let frame = Frame(file, header, index)
            let next = frame.sum(after: sum)
            guard next == frame.storedSum, frame.salt == header.salt else {
                // Frames of an earlier filling stand behind the last one of this: they are no part of it.
                let isOurs = frame.salt == header.salt || next == frame.storedSum
                let isFollowed =
                    WriteAheadLog.hasWholeFrame(file, header, after: index)
                    || Frame.exists(file, header, index + 1) && Frame(file, header, index + 1).isWhole(after: next)
                if isFollowed || next == frame.storedSum {
                    standing = .damaged(frame: index + 1)
                } else if isOurs {
                    standing = .torn(frame: index + 1)
                }
                return
            }
            sum = next
            if frame.isCommit { committedFrames = index + 1 }
        }
    }

    /// Whether there is a frame that continues, by what it says itself, the one before it.
    private static func hasWholeFrame(_ file: [UInt8], _ header: Header, after index: Int) -> Bool {
        ((index + 1)..<max(index + 1, header.frameCount(file))).contains { next in
            let before = next == 0 ? header.sum : Frame(file, header, next - 1).storedSum
            return Frame(file, header, next).isWhole(after: before)
        }
    }

    /// The two sums that every frame carries on.
    fileprivate struct Sum: Equatable {
        var first: UInt32 = 0
        var second: UInt32 = 0

        func adding(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool) -> Sum {
            var (first, second) = (first, second)
            bytes.withUnsafeBytes { bytes in
                for place in stride(from: 0, to: bytes.count - 7, by: 8) {
                    let one = bytes.loadUnaligned(fromByteOffset: place, as: UInt32.self)
                    let two = bytes.loadUnaligned(fromByteOffset: place + 4, as: UInt32.self)
                    first &+= (isBigEndian ? UInt32(bigEndian: one) : UInt32(littleEndian: one)) &+ second
                    second &+= (isBigEndian ? UInt32(bigEndian: two) : UInt32(littleEndian: two)) &+ first
                }
            }
            return Sum(first: first, second: second)
        }
    }

    /// The first 32 bytes.
    fileprivate struct Header {
        let pageSize: Int
        let isBigEndian: Bool
        /// Nil where it is not to be believed.
        let salt: ArraySlice<UInt8>?
        let sum: Sum

        /// Nil where it is damaged.
        init?(_ file: [UInt8]) {
            guard file.count >= headerSize, number(file, 0) & ~1 == 0x377f_0682, number(file, 4) == 3_007_000 else {
                return nil
            }
            let size = Int(number(file, 8))
            guard size >= 512, size <= 65_536, size & (size - 1) == 0 else { return nil }
            pageSize = size
            isBigEndian = number(file, 0) & 1 == 1
            salt = file[16..<24]
            sum = Sum().adding(file[0..<24], isBigEndian: isBigEndian)
            guard sum == Sum(first: number(file, 24), second: number(file, 28)) else { return nil }
        }

        private init(_ file: [UInt8], pageSize: Int, isBigEndian: Bool, isSumDamaged: Bool) {
            self.pageSize = pageSize
            self.isBigEndian = isBigEndian
            salt = nil
            sum =
                isSumDamaged
                ? Sum().adding(file[0..<24], isBigEndian: isBigEndian)
                : Sum(first: number(file, 24), second: number(file, 28))
        }

        /// What a damaged one may have been.
        static func guesses(_ file: [UInt8]) -> [Header] {
            guard file.count >= headerSize else { return [] }
            let size = Int(number(file, 8))
            let sizes: Set = [4096, (512...65_536).contains(size) ? size : 4096]
            return sizes.flatMap { size in
                [true, false].flatMap { isBigEndian in
                    [true, false].map { isSumDamaged in
                        Header(file, pageSize: size, isBigEndian: isBigEndian, isSumDamaged: isSumDamaged)
                    }
                }
            }
        }

        func frameCount(_ file: [UInt8]) -> Int { (file.count - headerSize) / (frameHeaderSize + pageSize) }
    }

    /// One page, as it is after a commit.
    fileprivate struct Frame {
        let bytes: ArraySlice<UInt8>
        let header: Header

        static func exists(_ file: [UInt8], _ header: Header, _ index: Int) -> Bool { index < header.frameCount(file) }

        /// There must be one.
        init(_ file: [UInt8], _ header: Header, _ index: Int) {
            let size = frameHeaderSize + header.pageSize
            let start = headerSize + index * size
            bytes = file[start..<start + size]
            self.header = header
        }

        var isCommit: Bool { number(bytes, 4) != 0 }
        var salt: ArraySlice<UInt8> { bytes.dropFirst(8).prefix(8) }
        var storedSum: Sum { Sum(first: number(bytes, 16), second: number(bytes, 20)) }

        func sum(after sum: Sum) -> Sum {
            sum.adding(bytes.prefix(8), isBigEndian: header.isBigEndian)
                .adding(bytes.dropFirst(frameHeaderSize), isBigEndian: header.isBigEndian)
        }

        func isWhole(after sum: Sum) -> Bool {
            (header.salt == nil || header.salt == salt) && self.sum(after: sum) == storedSum
        }
    }
}

/// A number as SQLite writes it: big endian.
private func number(_ bytes: some Collection<UInt8>, _ start: Int) -> UInt32 {
    bytes.dropFirst(start).prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
}
