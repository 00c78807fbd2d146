/// The request that something comes of.
struct Cause: Sendable, Equatable {
    var requestID: String?
    var traceparent: String?
}
