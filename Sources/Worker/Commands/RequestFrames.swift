/// Reads the frames behind a routing id: an envelope of up to 16 frames, ended by an empty one, and the body; or the body
/// alone. Pure.
struct RequestFrames {
    private enum Expected {
        case envelope, body, end
        case refused
    }

    /// Frames of an envelope, without the empty one.
    static let longestEnvelope = 16
    /// Bytes of a frame of an envelope.
    static let longestFrame = 255

    /// The envelope as far as it was understood: a refusal goes behind it.
    private(set) var envelope = ReplyRoute.Envelope.none
    private var expected = Expected.envelope
    private var count = 0
    private var frames: [[UInt8]] = []

    /// Takes the next frame.
    /// - Parameters:
    ///   - size: its bytes.
    ///   - isLast: whether no frame follows.
    ///   - bytes: a copy of it; asked for where it belongs to the envelope.
    mutating func add(size: Int, isLast: Bool, bytes: () -> [UInt8]) {
        count += 1
        switch expected {
        case .envelope where count == 1 && isLast: expected = .end
        case .envelope where size == 0:
            envelope = frames.isEmpty ? .delimiter : .frames(frames)
            expected = isLast ? .refused : .body
        case .envelope:
            guard !isLast, size <= RequestFrames.longestFrame, frames.count < RequestFrames.longestEnvelope else {
                return expected = .refused
            }
            frames.append(bytes())
        case .body: expected = isLast ? .end : .refused
        case .end, .refused: expected = .refused
        }
    }

    /// Whether the frame that was added last is the body of a request.
    var endsWithBody: Bool { expected == .end }

    /// About how many bytes the envelope takes.
    var cost: Int { frames.reduce(0) { $0 + $1.count + 32 } }

    /// Why the frames are no request: one sentence for a person.
    var refusal: String {
        "a request is one frame, or an envelope of up to \(RequestFrames.longestEnvelope) frames of at most "
            + "\(RequestFrames.longestFrame) bytes with an empty frame behind it, and one more; this message had "
            + "\(count) frames"
    }
}
