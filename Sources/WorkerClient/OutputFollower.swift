/// A reader of a process's output, and the offset that it has reached.
struct OutputFollower {
    /// Distinguishes a reader from the one that took its place.
    let number: UInt64
    let continuation: AsyncThrowingStream<OutputPiece, any Error>.Continuation
    /// Where the next attachment begins.
    var start: OutputStart
    /// Whether the process waits for it.
    let isLossless: Bool
    /// Whether the worker has it attached on the present connection.
    var isAttached = false
    /// Whether a request to attach it is under way; it outlives connections.
    var isRequested = true
    /// Bytes that were delivered and not yet acknowledged by the reader.
    private(set) var unread = 0
    /// Bytes that the worker may still send on the present connection.
    private(set) var credit = 0
    /// Whether the next piece is the first after the worker's offsets have begun again.
    private var begins = false

    init(
        number: UInt64, start: OutputStart, isLossless: Bool = false,
        continuation: AsyncThrowingStream<OutputPiece, any Error>.Continuation
    ) {
        self.isLossless = isLossless
        self.number = number
        self.start = start
        self.continuation = continuation
    }

    /// Whether it was attached on a connection that is gone.
    var isToBeAttachedAgain: Bool { !isAttached && !isRequested }

    /// The credit for a new attachment: the window without the unread bytes.
    var freeWindow: Int { max(0, OutputPiece.window - unread) }

    /// Records that the worker sends output from `offset` on.
    mutating func attach(at offset: UInt64) {
        // A worker with less output than was seen has lost its offsets: a new worker on a host that keeps no output.
        if case .offset(let reached) = start, offset < reached { begins = true }
        start = .offset(offset)
        isAttached = true
        isRequested = false
        credit = freeWindow
    }

    /// Records that the connection is gone.
    mutating func detach() {
        isAttached = false
        credit = 0
    }

    /// - Returns: the new part of a piece; nil if there is none.
    mutating func take(_ piece: OutputPiece) -> OutputPiece? {
        guard isAttached, case .offset(let reached) = start else { return nil }
        credit = max(0, credit - piece.data.count)
        guard var piece = piece.after(reached) else { return nil }
        start = .offset(piece.offset + UInt64(piece.data.count))
        unread += piece.data.count
        piece.isRestart = begins
        begins = false
        return piece
    }

    /// Records that the reader has processed `count` bytes.
    /// - Returns: the credit to send to the worker now; 0 while it is too small to be worth a request.
    mutating func acknowledge(_ count: Int) -> Int {
        unread = max(0, unread - count)
        let due = freeWindow - credit
        guard isAttached, due >= OutputPiece.window / 4 else { return 0 }
        credit += due
        return due
    }

    /// Lets one byte more come than the window allows.
    /// - Returns: whether a request is due.
    mutating func extend() -> Bool {
        guard isAttached else { return false }
        credit += 1
        return true
    }
}
