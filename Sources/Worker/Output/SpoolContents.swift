import ContainerModel
import MessagePack

/// What a file of output holds.
///
/// The file begins with `WLO2`, the offset that was reached at least, and the checksum of both. A record is: a byte for
/// the stream, its end and an unknown loss; the length; the offset; the checksum of the bytes; the checksum of all
/// that; and the bytes. In place of output the bytes may be time marks: an offset, seconds and nanoseconds each. Numbers
/// are little endian. So a record that was cut off is discarded, a damaged length is not
/// used, and damage costs no other record.
struct SpoolContents: Sendable {
    var chunks: [OutputSpool.Chunk] = []
    /// When they were written, in the order of offsets.
    var marks: [TimeMark] = []
    /// In the order of their offsets, as the chunks are.
    var losses: [UnknownLoss] = []
    /// The streams of which nothing has come since their last unknown loss.
    private(set) var silent: Set<OutputStream> = []
    var ended: Set<OutputStream> = []
    /// The offset that was reached.
    var end: UInt64 = 0
    /// Whether records can be appended to the file as it is.
    private(set) var isWhole = false
    /// How many bytes were damaged; nil where nothing was.
    private(set) var damage: UInt64?

    static let headerSize = 16
    static let recordHeaderSize = 21
    private static let magic = Array("WLO2".utf8)
    private static let endFlag: UInt8 = 0x80
    private static let lossFlag: UInt8 = 0x40
    private static let marksFlag: UInt8 = 0x20
    private static let markSize = 20
    private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    // MARK: Writing

    /// How a file begins that has reached `end` at least.
    static func header(end: UInt64) -> [UInt8] {
        let header = magic + bytes(of: end, 8)
        return header + bytes(of: UInt64(Checksum(header).value), 4)
    }

    /// A record of bytes, of a stream's end, or of both.
    /// - Parameter mark: when the bytes were written; a record of its own, before theirs.
    static func record(
        _ stream: OutputStream, offset: UInt64, _ data: UnsafeRawBufferPointer, isEnd: Bool, mark: TimeMark? = nil
    ) -> [UInt8] {
        let before = mark.map { record([$0], offset: offset) } ?? []
        return record(stream, isEnd ? endFlag : 0, offset: offset, data, before: before)
    }

    /// A record of a loss; it reaches the offset behind the byte that stands for it.
    static func record(_ loss: UnknownLoss) -> [UInt8] {
        record(loss.stream, lossFlag, offset: loss.offset, nothing)
    }

    /// A record of time marks, at the offset that was reached.
    static func record(_ marks: [TimeMark], offset: UInt64) -> [UInt8] {
        let data = marks.flatMap { mark in
            bytes(of: mark.offset, 8) + bytes(of: UInt64(bitPattern: mark.time.seconds), 8)
                + bytes(of: UInt64(mark.time.nanoseconds), 4)
        }
        return data.withUnsafeBytes { record(.stdout, marksFlag, offset: offset, $0) }
    }

    private static func record(
        _ stream: OutputStream, _ flag: UInt8, offset: UInt64, _ data: UnsafeRawBufferPointer, before: [UInt8] = []
    ) -> [UInt8] {
        var checksum = Checksum()
        checksum.add(data)
        var record = before
        record.reserveCapacity(before.count + recordHeaderSize + data.count)
        record.append((stream == .stdout ? 1 : 2) | flag)
        record += bytes(of: UInt64(data.count), 4) + bytes(of: offset, 8) + bytes(of: UInt64(checksum.value), 4)
        record += bytes(of: UInt64(Checksum(record.dropFirst(before.count)).value), 4)
        record.append(contentsOf: data)
        return record
    }

    /// A file with all of this.
    var encoded: [UInt8] {
        var file = SpoolContents.header(end: end)
        if !marks.isEmpty { file += SpoolContents.record(marks, offset: 0) }
        var losses = self.losses[...]
        for chunk in chunks {
            while let loss = losses.first, loss.offset < chunk.offset { file += Self.record(losses.removeFirst()) }
            file += chunk.data.withUnsafeBytes {
                SpoolContents.record(chunk.stream, offset: chunk.offset, $0, isEnd: false)
            }
        }
        for loss in losses { file += Self.record(loss) }
        for stream in ended { file += SpoolContents.record(stream, offset: end, Self.nothing, isEnd: true) }
        return file
    }

    private static func bytes(of number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64($0 * 8)) }
    }

    // MARK: Reading

    /// Nothing.
    init() {}

    /// What a worker has in memory.
    init(
        _ chunks: some Sequence<OutputSpool.Chunk>, marks: [TimeMark] = [], losses: [UnknownLoss] = [],
        ended: Set<OutputStream>, end: UInt64
    ) {
        self.chunks = Array(chunks)
        self.marks = marks
        self.losses = losses
        self.ended = ended
        self.end = end
    }

    /// What `file` holds.
    init(_ file: [UInt8]) {
        let reached = SpoolContents.reached(file)
        if let first = file.first, SpoolContents.stream(first) != nil {
            readFirstVersion(file)
        } else if let reached {
            readRecords(file, from: SpoolContents.headerSize, isOurs: true)
            end = max(end, reached)
        } else if file.count >= SpoolContents.headerSize {
            // Else it was cut off where it begins, and no reader has seen anything of it.
            readRecords(file, from: 0, isOurs: false)
        }
    }

    /// The same with what another file holds before it.
    func behind(_ older: SpoolContents) -> SpoolContents {
        // A file that was written again has everything, and was to take the place of both.
        if let first = chunks.first, first.offset < older.end { return self }
        var both = older
        both.chunks += chunks
        both.marks += marks
        both.losses += losses
        both.silent = older.silent.subtracting(chunks.map(\.stream)).union(silent)
        both.ended.formUnion(ended)
        both.end = max(end, older.end)
        both.isWhole = older.isWhole && isWhole
        both.damage = damage == nil && older.damage == nil ? nil : (damage ?? 0) + (older.damage ?? 0)
        return both
    }

    private mutating func readRecords(_ file: [UInt8], from start: Int, isOurs: Bool) {
        var position = start
        while file.count - position >= SpoolContents.recordHeaderSize {
            guard let record = RecordHeader(file, at: position), record.offset >= end else {
                let next = SpoolContents.nextRecord(in: file, after: position, from: end)
                lose(0)
                // Most often it was one record that nothing follows; its bytes count.
                if next == nil, isOurs || end > 0 {
                    lose(UInt64(file.count - position - SpoolContents.recordHeaderSize))
                }
                position = next ?? file.count
                continue
            }
            let first = position + SpoolContents.recordHeaderSize
            // It was cut off, so that no reader has seen anything of it.
            guard file.count - first >= record.count else { return }
            let data = file[first..<first + record.count]
            position = first + record.count
            if record.offset > end, damage != nil { lose(record.offset - end) }
            end = record.offset
            guard Checksum(data).value == record.checksum else {
                lose(record.hasMarks ? 0 : UInt64(record.count))
                continue
            }
            if record.hasMarks {
                take(marks: data)
                continue
            }
            if record.isLoss { take(UnknownLoss(stream: record.stream, offset: end)) }
            take(record.stream, Array(data), isEnd: record.isEnd)
        }
        isWhole = position == file.count && damage == nil
    }

    private mutating func take(_ stream: OutputStream, _ data: [UInt8], isEnd: Bool) {
        if !data.isEmpty {
            chunks.append(OutputSpool.Chunk(stream: stream, offset: end, data: data))
            silent.remove(stream)
        }
        if isEnd { ended.insert(stream) }
        end += UInt64(data.count)
    }

    private mutating func take(marks data: ArraySlice<UInt8>) {
        let file = Array(data)
        for position in stride(from: 0, through: file.count - SpoolContents.markSize, by: SpoolContents.markSize) {
            let seconds = Int64(bitPattern: SpoolContents.number(file, position + 8, 8))
            let nanoseconds = UInt32(clamping: SpoolContents.number(file, position + 16, 4))
            guard let time = Timestamp(seconds: seconds, nanoseconds: nanoseconds) else { continue }
            marks.append(TimeMark(offset: SpoolContents.number(file, position, 8), time: time))
        }
    }

    private mutating func take(_ loss: UnknownLoss) {
        losses.append(loss)
        silent.insert(loss.stream)
        end += 1
    }

    /// Bytes are missing here.
    private mutating func lose(_ count: UInt64) {
        damage = (damage ?? 0) + count
        end += count
    }

    /// The offset that the beginning of a file names; nil where it is none.
    private static func reached(_ file: [UInt8]) -> UInt64? {
        guard file.count >= headerSize, file.starts(with: magic),
            number(file, 12, 4) == UInt64(Checksum(file[0..<12]).value)
        else { return nil }
        let end = number(file, 4, 8)
        return end < 1 << 62 ? end : nil
    }

    /// Where the next record begins.
    private static func nextRecord(in file: [UInt8], after position: Int, from end: UInt64) -> Int? {
        ((position + 1)..<max(position + 1, file.count - recordHeaderSize + 1)).first { position in
            RecordHeader(file, at: position).map { $0.offset >= end } ?? false
        }
    }

    private static func number(_ file: [UInt8], _ position: Int, _ count: Int) -> UInt64 {
        file[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func stream(_ kind: UInt8) -> OutputStream? {
        switch kind & ~(endFlag | lossFlag | marksFlag) {
        case 1: .stdout
        case 2: .stderr
        default: nil
        }
    }

    /// What stands before the bytes of a record.
    private struct RecordHeader {
        let stream: OutputStream
        let isEnd: Bool
        let isLoss: Bool
        let hasMarks: Bool
        let count: Int
        let offset: UInt64
        let checksum: UInt64

        /// Nil where no record begins; there must be as many bytes as it takes.
        init?(_ file: [UInt8], at position: Int) {
            guard let stream = SpoolContents.stream(file[position]),
                number(file, position + 17, 4) == UInt64(Checksum(file[position..<position + 17]).value)
            else { return nil }
            self.stream = stream
            isEnd = file[position] & endFlag != 0
            isLoss = file[position] & lossFlag != 0
            hasMarks = file[position] & marksFlag != 0
            count = Int(number(file, position + 1, 4))
            offset = number(file, position + 5, 8)
            checksum = number(file, position + 13, 4)
            guard offset < 1 << 62 else { return nil }
        }
    }

    /// Windlass 0.1 began its files with the first record, which had no checksums.
    private mutating func readFirstVersion(_ file: [UInt8]) {
        let headerSize = 13
        var position = 0
        while file.count - position >= headerSize, let stream = SpoolContents.stream(file[position]) {
            let count = Int(SpoolContents.number(file, position + 1, 4))
            let offset = SpoolContents.number(file, position + 5, 8)
            guard file.count - position - headerSize >= count, offset < 1 << 62 else { return }
            // Each record goes on where the one before it ended; whatever does not was not written by a worker.
            guard offset == end || chunks.isEmpty else { return }
            end = offset
            let first = position + headerSize
            take(stream, Array(file[first..<first + count]), isEnd: file[position] & SpoolContents.endFlag != 0)
            position = first + count
        }
    }
}
