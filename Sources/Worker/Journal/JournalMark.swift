import Foundation

/// The file `journal.open` stands beside a journal that is in use: what it says of one that was not closed is compared
/// with what is there.
struct JournalMark: Sendable, Equatable {
    /// The number of the start that was kept.
    var epoch: UInt64
    /// Which start of the machine that was; nil where that is not known.
    var boot: String?

    init(epoch: UInt64, boot: String?) {
        self.epoch = epoch
        self.boot = boot
    }

    /// What is there; nil where the journal was closed, or where the mark cannot be read.
    init?(at path: String) {
        guard let bytes = try? StateDirectory.read(path) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard let epoch = words.first.flatMap({ UInt64($0) }) else { return nil }
        self.epoch = epoch
        boot = words.dropFirst().first.map(String.init)
    }

    /// Puts it there in one piece.
    func write(to path: String) throws {
        let text = boot.map { "\(epoch) \($0)\n" } ?? "\(epoch)\n"
        try StateDirectory.write(Array(text.utf8), to: path + ".new", for: .writingAnew)
        guard rename(path + ".new", path) == 0 else { throw FileTrouble(path) }
    }

    /// The id of this machine's present boot; nil if the system does not report it.
    static let currentBoot: String? = {
        #if os(Linux)
            let bytes = try? StateDirectory.read("/proc/sys/kernel/random/boot_id")
            return bytes.map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
        #else
            return nil
        #endif
    }()
}
