import ContainerModel

/// An unknown amount of a stream that is missing; the one byte at `offset` stands for it.
struct UnknownLoss: Sendable, Equatable {
    var stream: OutputStream
    var offset: UInt64
}
