import ContainerModel
import Foundation

/// What one process wrote, kept in a file, so that a worker that comes after this one still has it.
///
/// The file is opened for each record: an idle process keeps no descriptor. It survives the death of the worker. Where
/// a record cannot be written, the file is behind, and is written again as soon as that succeeds. A file that is full
/// becomes the older one of two, in place of the one before it.
struct SpoolFile: Sendable {
    /// Receives reports of damage and of files that fell behind, and retries these; nil for a file outside a store.
    let store: OutputStore?
    private let path: String
    /// What came before it.
    private var older: String { path + ".old" }
    private let limit: Int
    /// Bytes of output that this worker has put into the file.
    private var outputBytes = 0
    /// Bytes in the file; nil where this worker has neither read nor written it.
    private var size: Int?
    /// From this size on most of the file is output that is not kept any more.
    private var largestSize: Int
    private var isRemoved = false
    /// Why the file is behind what was written; nil where it has everything.
    private(set) var trouble: String?

    /// - Parameter limit: how many bytes of output are worth keeping.
    init(path: String, limit: Int, store: OutputStore? = nil) {
        self.path = path
        self.limit = limit
        self.store = store
        largestSize = 2 * limit + (1 << 16)
    }

    /// Keeps bytes that a process wrote.
    mutating func append(
        _ stream: ContainerModel.OutputStream, offset: UInt64, _ bytes: UnsafeRawBufferPointer, isEnd: Bool = false,
        mark: TimeMark? = nil
    ) {
        // The end of a stream without any output is not worth a file: it is reported again to the worker that finds the
        // process.
        guard !isEnd || size != nil || trouble != nil else { return }
        append(
            SpoolContents.record(stream, offset: offset, bytes, isEnd: isEnd, mark: mark),
            offset..<offset + UInt64(bytes.count))
        outputBytes += bytes.count
    }

    /// Keeps that an unknown amount is missing.
    mutating func append(_ loss: UnknownLoss) {
        append(SpoolContents.record(loss), loss.offset..<loss.offset + 1)
    }

    private mutating func append(_ record: @autoclosure () -> [UInt8], _ range: Range<UInt64>) {
        guard !isRemoved else { return }
        if trouble == nil {
            do {
                try write(record(), at: range.lowerBound)
            } catch {
                trouble = "\(error)"
            }
        }
        if trouble != nil { note(end: range.upperBound) }
    }

    private mutating func write(_ record: [UInt8], at offset: UInt64) throws {
        if let size {
            try StateDirectory.write(record, to: path, for: .appending)
            self.size = size + record.count
        } else {
            try makeFolder()
            let file = SpoolContents.header(end: offset) + record
            try StateDirectory.write(file, to: path, for: .writingAnew)
            size = file.count
        }
    }

    private func makeFolder() throws {
        try StateDirectory.makeFolder(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    /// Notes how far the output has come, although the file has not all of it: offsets never go backwards, should the
    /// worker end now. This takes no room on the disk.
    private func note(end: UInt64) {
        guard let size, size >= SpoolContents.headerSize else { return }
        try? StateDirectory.write(SpoolContents.header(end: end), to: path, for: .overwriting)
    }

    /// Whether most of the file is output that is not kept any more, or the headers of very small records.
    var isOverlong: Bool { trouble == nil && (size ?? 0) > largestSize }

    /// Makes the file the older one of two, once it has all that is worth keeping.
    /// - Parameter end: the offset that was reached.
    mutating func rotateIfFull(_ end: UInt64) {
        guard outputBytes >= limit, trouble == nil, size != nil, !isRemoved else { return }
        let (header, new) = (SpoolContents.header(end: end), path + ".new")
        do {
            // First the new one: a worker that ends in between still has how far the output has come.
            try StateDirectory.write(header, to: new, for: .writingAnew)
            guard rename(path, older) == 0, rename(new, path) == 0 else { throw FileTrouble(path) }
            size = header.count
            outputBytes = 0
        } catch {
            try? FileManager.default.removeItem(atPath: new)
            // Where only the new file is missing, the next record makes it.
            if FileIdentity(path) == nil { size = nil }
            outputBytes = 0
        }
    }

    /// Begins the file anew with what is still kept.
    mutating func rewrite(_ contents: SpoolContents) {
        guard !isRemoved else { return trouble = nil }
        let (file, new) = (contents.encoded, path + ".new")
        do {
            if size == nil { try makeFolder() }
            try StateDirectory.write(file, to: new, for: .writingAnew)
            guard rename(new, path) == 0 else { throw FileTrouble(path) }
            try? FileManager.default.removeItem(atPath: older)
            size = file.count
            outputBytes = contents.chunks.reduce(0) { $0 + $1.data.count }
            largestSize = 2 * limit + (1 << 16)
            trouble = nil
        } catch {
            try? FileManager.default.removeItem(atPath: new)
            // A file that is only too long is tried again when it has grown by as much again.
            if trouble == nil { largestSize = (size ?? 0) + limit } else { trouble = "\(error)" }
        }
    }

    /// What the file holds; what is written from now on follows it.
    /// - Returns: nil where it cannot be read now.
    mutating func load() -> SpoolContents? {
        let (file, before): ([UInt8]?, [UInt8]?)
        do {
            (file, before) = (try StateDirectory.read(path), try StateDirectory.read(older))
        } catch {
            trouble = "\(error)"
            return nil
        }
        guard file != nil || before != nil else { return SpoolContents() }
        var contents = SpoolContents(file ?? [])
        size = file?.count
        // Of this file alone: the older one is replaced when this one is full.
        outputBytes = contents.chunks.reduce(0) { $0 + $1.data.count }
        if let before { contents = contents.behind(SpoolContents(before)) }
        if let lost = contents.damage { store?.foundDamage(path, lost: lost) }
        if !contents.isWhole {
            trouble = "\(path) is not whole"
            rewrite(contents)
        }
        return contents
    }

    /// Forgets what it holds.
    mutating func remove() {
        isRemoved = true
        trouble = nil
        try? FileManager.default.removeItem(atPath: path)
        try? FileManager.default.removeItem(atPath: older)
    }
}
