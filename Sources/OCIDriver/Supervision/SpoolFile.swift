import CSupervisor
import Glibc

/// The file that a supervisor keeps of one process: for when the supervisor is gone.
struct SpoolFile {
    let path: String

    /// What is recorded of the process; nil where the file cannot be read.
    func state() -> SupervisedState? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var header = supervisor_spool_header()
        guard supervisor_spool_header_read(file, &header) == 0 else { return nil }
        return SupervisedState(header.process)
    }

    /// Calls `body` with the output from `offset` on, piece by piece.
    func read(from offset: UInt64, _ body: (OutputPiece) -> Void) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var header = supervisor_spool_header()
        guard supervisor_spool_header_read(file, &header) == 0 else { return }
        var cursor = supervisor_spool_cursor()
        var place = offset
        var buffer = [UInt8](repeating: 0, count: Int(SUPERVISOR_DATA_SIZE))
        while true {
            var output = supervisor_output()
            guard supervisor_spool_read(file, &header, &cursor, place, &buffer, buffer.count, &output) == 0 else {
                return
            }
            let count = min(Int(output.count), buffer.count)
            buffer.withUnsafeBytes { body(OutputPiece(output, UnsafeRawBufferPointer(rebasing: $0[..<count]))) }
            guard output.next > place else { return }
            place = output.next
        }
    }
}
