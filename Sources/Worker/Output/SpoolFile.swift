import ContainerProtocol
import Dispatch
import Foundation

/// What one process wrote, kept in a file, so that a worker that comes after this one still has it.
///
/// A record is a byte that says which stream and whether it ends, the length and the offset, little endian, and the
/// bytes. The file is opened for each record: an idle process keeps no descriptor. It survives the death of the worker;
/// a record that was cut off by it is left aside. Where the disk takes nothing more, what follows is in memory only.
struct SpoolFile: Sendable {
    private let path: String
    private let limit: Int
    /// Bytes in the file; nil where this worker has neither read nor written it.
    private var size: Int?
    private var isBroken = false

    private static let headerSize = 13
    private static let endFlag: UInt8 = 0x80

    /// - Parameter limit: how many bytes of output are worth keeping.
    init(path: String, limit: Int) {
        self.path = path
        self.limit = limit
    }

    /// Keeps bytes that a process wrote.
    mutating func append(
        _ stream: ContainerProtocol.OutputStream, offset: UInt64, _ bytes: UnsafeRawBufferPointer, isEnd: Bool = false
    ) {
        // The end of a stream without any output is not worth a file: it is told again to whoever finds the process.
        guard !isBroken, !isEnd || size != nil else { return }
        var record = SpoolFile.header(stream, offset: offset, count: bytes.count, isEnd: isEnd)
        record.append(contentsOf: bytes)
        if size == nil {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        isBroken = !SpoolFile.write(record, to: path, mode: size == nil ? "wb" : "ab")
        size = (size ?? 0) + record.count
    }

    /// Whether most of the file is output that is not kept any more.
    var isOverlong: Bool { (size ?? 0) > 2 * limit + (1 << 16) }

    /// Begins the file anew with what is still kept.
    mutating func rewrite(
        _ chunks: some Sequence<OutputSpool.Chunk>, ended: Set<ContainerProtocol.OutputStream>, end: UInt64
    ) {
        var records: [UInt8] = []
        for chunk in chunks {
            records += SpoolFile.header(chunk.stream, offset: chunk.offset, count: chunk.data.count, isEnd: false)
            records += chunk.data
        }
        for stream in ended { records += SpoolFile.header(stream, offset: end, count: 0, isEnd: true) }
        guard SpoolFile.write(records, to: path + ".new", mode: "wb"), rename(path + ".new", path) == 0 else {
            isBroken = true
            return
        }
        size = records.count
    }

    /// What the file holds; what is written from now on follows it.
    mutating func load() -> (chunks: [OutputSpool.Chunk], ended: Set<ContainerProtocol.OutputStream>, end: UInt64) {
        var chunks: [OutputSpool.Chunk] = []
        var ended: Set<ContainerProtocol.OutputStream> = []
        var end: UInt64 = 0
        guard let data = FileManager.default.contents(atPath: path) else { return (chunks, ended, end) }
        var rest = data[...]
        while rest.count >= SpoolFile.headerSize {
            let header = Array(rest.prefix(SpoolFile.headerSize))
            let count = header[1..<5].reversed().reduce(0) { $0 << 8 | Int($1) }
            let offset = header[5...].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            guard let stream = SpoolFile.stream(header[0]), rest.count - SpoolFile.headerSize >= count else { break }
            // Each record goes on where the one before it ended; whatever does not was not written by this code.
            let (next, isOver) = offset.addingReportingOverflow(UInt64(count))
            guard !isOver, chunks.isEmpty || offset == end else { break }
            if header[0] & SpoolFile.endFlag != 0 { ended.insert(stream) }
            let bytes = rest.dropFirst(SpoolFile.headerSize).prefix(count)
            if count > 0 { chunks.append(OutputSpool.Chunk(stream: stream, offset: offset, data: Array(bytes))) }
            end = next
            rest = rest.dropFirst(SpoolFile.headerSize + count)
        }
        size = data.count - rest.count
        // A record that was cut off must not stand before the next one.
        if !rest.isEmpty { rewrite(chunks, ended: ended, end: end) }
        return (chunks, ended, end)
    }

    /// Forgets what it holds.
    mutating func remove() {
        isBroken = true
        try? FileManager.default.removeItem(atPath: path)
    }

    private static func header(_ stream: ContainerProtocol.OutputStream, offset: UInt64, count: Int, isEnd: Bool)
        -> [UInt8]
    {
        var header: [UInt8] = [(stream == .stdout ? 1 : 2) | (isEnd ? endFlag : 0)]
        header += (0..<4).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
        header += (0..<8).map { UInt8(truncatingIfNeeded: offset >> UInt64($0 * 8)) }
        return header
    }

    private static func stream(_ byte: UInt8) -> ContainerProtocol.OutputStream? {
        switch byte & ~endFlag {
        case 1: .stdout
        case 2: .stderr
        default: nil
        }
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: String) -> Bool {
        guard let file = fopen(path, mode) else { return false }
        let written = fwrite(bytes, 1, bytes.count, file)
        return fclose(file) == 0 && written == bytes.count
    }
}

/// Where the output of a host's containers is kept: a folder for each life of a container, and a file for each process.
struct SpoolFolder: Sendable {
    private let root: URL

    init(stateDirectory: String) { root = URL(fileURLWithPath: stateDirectory).appendingPathComponent("output") }

    /// The folder of a container; one that takes the id later has another.
    func folder(of record: ContainerRecord) -> URL {
        let life = "\(record.createdAt.seconds)-\(record.createdAt.nanoseconds)"
        return root.appendingPathComponent("c-\(SpoolFolder.escaped(record.id.rawValue))-\(life)")
    }

    /// The file of the `number`th process that was started in a container.
    func file(_ number: Int, _ process: ProcessName, of record: ContainerRecord) -> String {
        folder(of: record).appendingPathComponent("p-\(SpoolFolder.escaped(process.rawValue))-\(number)").path
    }

    /// The folders that are none of these containers'.
    func folders(besides records: [ContainerRecord]) -> [URL] {
        let kept = Set(records.map { folder(of: $0).lastPathComponent })
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.filter { !kept.contains($0) }.map { root.appendingPathComponent($0) }
    }

    /// Removes folders, on a thread of their own.
    static func remove(_ folders: [URL]) {
        guard !folders.isEmpty else { return }
        DispatchQueue.global(qos: .utility).async {
            for folder in folders { try? FileManager.default.removeItem(at: folder) }
        }
    }

    /// File systems may take `a` and `A` for the same.
    private static func escaped(_ name: String) -> String {
        var text = ""
        for letter in name { text += letter.isUppercase ? "^" + letter.lowercased() : String(letter) }
        return text
    }
}
