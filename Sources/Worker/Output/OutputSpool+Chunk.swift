import ContainerModel

extension OutputSpool {
    /// A piece of one stream.
    struct Chunk: Sendable, Equatable {
        var stream: OutputStream
        var offset: UInt64
        var data: [UInt8]
        /// How many bytes before `offset` the reader asked for and cannot have any more.
        var dropped: UInt64 = 0
        /// Whether an unknown amount is missing besides, for which `dropped` counts one byte.
        var isLossUnknown = false
        /// When it was written, where that was asked for and is known.
        var time: Timestamp?
        /// Whether the reader has lost its hold: what it does not read in time is dropped from now on.
        var isHoldLost = false
        /// Whether the stream ends here.
        var isEnd = false

        /// Offset of the byte after the last.
        var end: UInt64 { offset + UInt64(data.count) }
    }
}
