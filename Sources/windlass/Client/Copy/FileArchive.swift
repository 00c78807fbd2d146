import ContainerProtocol
import Foundation
import Synchronization

/// A tar archive of one file, read piece by piece.
final class FileArchive: Sendable {
    private let header: TarHeader
    private let file: FileHandle
    private let state: Mutex<State>

    private enum State {
        case header
        case content(left: UInt64)
        case ended
    }

    init(_ header: TarHeader, _ file: FileHandle) {
        self.header = header
        self.file = file
        state = Mutex(.header)
    }

    /// The next bytes; empty at the end. Holds the thread.
    /// - Throws: where the file is shorter than it was: the archive would be damaged.
    func next() throws -> [UInt8] {
        try state.withLock { state in
            switch state {
            case .header:
                state = .content(left: header.size)
                return header.bytes
            case .content(0):
                state = .ended
                return TarHeader.padding(after: header.size) + TarHeader.end
            case .content(let left):
                let data = try file.read(upToCount: Int(min(left, 64 * 1024))) ?? Data()
                guard !data.isEmpty else { throw Failure(.aborted, "the file became shorter while it was copied") }
                state = .content(left: left - UInt64(data.count))
                return Array(data)
            case .ended: return []
            }
        }
    }
}
