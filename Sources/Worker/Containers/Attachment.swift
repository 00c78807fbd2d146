import ContainerModel
import ContainerProtocol

/// A peer that follows a process's output for as long as its credit lasts.
struct Attachment {
    /// How far a peer has come with what there is.
    enum Progress {
        case caughtUp
        /// There is more, for a later turn of the loop.
        case more
        /// The peer's queue is full.
        case full
        /// Everything has been sent.
        case over
        /// The peer is gone.
        case gone
    }

    /// Whether something may be sent to the peer.
    private enum State {
        /// The peer does not know its offset yet: no bytes are sent before the reply that carries it.
        case new
        case following
        /// The peer's queue was full, and is tried again in a moment.
        case waiting
        /// Everything has been sent; it is remembered so that credit that comes late is no error.
        case over
    }

    let id: ContainerID
    let process: ProcessName
    private let responder: Responder
    /// Offset of the next byte to send.
    private var offset: UInt64
    /// Bytes that may still be sent.
    private var credit: UInt64
    private var ended: Set<OutputStream> = []
    private var state = State.new
    /// Whether the process waits for this reader.
    private(set) var holds: Bool
    /// Since when the reader has let nothing be sent, although there is something; nil where that is not so.
    private var stalledSince: ContinuousClock.Instant?
    /// Whether the reader is to be notified that it holds the process no more.
    private var owesNotice = false

    /// The most bytes that a peer may have to its credit.
    private static let creditLimit: UInt64 = 1 << 40
    /// Bytes of one notification, and of one turn of the loop.
    private static let pieceSize = 64 * 1024
    private static let turnSize = 1 << 20

    init(
        _ id: ContainerID, _ process: ProcessName, _ responder: Responder, offset: UInt64, credit: UInt64,
        holds: Bool = false
    ) {
        self.holds = holds
        self.id = id
        self.process = process
        self.responder = responder
        self.offset = offset
        self.credit = credit
    }

    /// Whether it is the attachment of the peer that sent the request of `responder`.
    func isOf(_ responder: Responder) -> Bool { self.responder.route == responder.route }

    /// The number of the request that made it.
    var number: UInt64 { responder.number }

    /// Whether it may still be sent something.
    var isOpen: Bool { state != .over }

    /// The peer knows its offset: something may be sent to it.
    mutating func begin() { if state == .new { state = .following } }

    /// The peer may have read: it is tried again.
    mutating func retry() { if state == .waiting { state = .following } }

    mutating func add(credit more: UInt64) {
        credit = min(credit + more, Attachment.creditLimit)
        if more > 0 { stalledSince = nil }
    }

    /// From which offset on it needs the output; nil where it does not hold it, or has everything.
    var heldFrom: UInt64? { holds && isOpen ? offset : nil }

    /// The reader holds the process no more, and is notified of it by the next ``send(_:)``.
    mutating func loseHold() {
        holds = false
        owesNotice = true
    }

    /// Looks whether the reader keeps the process waiting.
    /// - Returns: since when it has; nil where it does not.
    mutating func stall(_ spool: OutputSpool, at time: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard heldFrom != nil, state != .new, offset < spool.endOffset, credit == 0 || state == .waiting else {
            stalledSince = nil
            return nil
        }
        let since = stalledSince ?? time
        stalledSince = since
        return since
    }

    /// Sends what the credit allows.
    mutating func send(_ spool: OutputSpool) -> Progress {
        guard state == .following else { return .caughtUp }
        let before = offset
        let progress = advance(spool)
        if offset != before { stalledSince = nil }
        switch progress {
        case .full: state = .waiting
        case .over: state = .over
        default: break
        }
        return progress
    }

    private mutating func advance(_ spool: OutputSpool) -> Progress {
        var left = Attachment.turnSize
        if owesNotice {
            var notice = OutputSpool.Chunk(stream: .stdout, offset: offset, data: [])
            notice.isHoldLost = true
            switch notify(notice) {
            case .sent: owesNotice = false
            case .full: return .full
            case .unreachable: return .gone
            }
        }
        while true {
            let limit = Int(min(credit, UInt64(Attachment.pieceSize)))
            let page = spool.read(from: offset, limit: limit)
            for chunk in page.chunks {
                switch notify(chunk) {
                case .sent: break
                case .full: return .full
                case .unreachable: return .gone
                }
                offset = chunk.offset + UInt64(chunk.data.count)
                credit -= UInt64(chunk.data.count)
                left -= chunk.data.count
            }
            if page.isEnd { return sendEnds(page.ended, page.next) }
            if page.chunks.isEmpty { return .caughtUp }
            if left <= 0 { return .more }
        }
    }

    /// Each stream's end is sent once, when everything before it has been; nothing follows the last.
    private mutating func sendEnds(_ streams: Set<OutputStream>, _ offset: UInt64) -> Progress {
        for stream in OutputStream.allCases where streams.contains(stream) && !ended.contains(stream) {
            var chunk = OutputSpool.Chunk(stream: stream, offset: offset, data: [])
            chunk.isEnd = true
            switch notify(chunk) {
            case .sent: ended.insert(stream)
            case .full: return .full
            case .unreachable: return .gone
            }
        }
        return .over
    }

    private func notify(_ chunk: OutputSpool.Chunk) -> Delivery {
        guard let route = responder.route else { return .unreachable }
        return responder.replies.value.notify(route, OutputNotification(id: id, process: process, chunk: chunk))
    }
}
