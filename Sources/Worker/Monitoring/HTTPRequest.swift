/// A request as far as the worker's pages need it.
struct HTTPRequest: Sendable, Equatable {
    /// Such as `GET`.
    var method: String
    /// Without the query.
    var path: String
    /// Names and values of the query, in their order. A name without `=` has an empty value.
    var query: [(name: String, value: String)]
    /// Whether the client wants the connection closed behind the answer.
    var closes: Bool

    static func == (left: HTTPRequest, right: HTTPRequest) -> Bool {
        left.method == right.method && left.path == right.path && left.closes == right.closes
            && left.query.map(\.name) == right.query.map(\.name) && left.query.map(\.value) == right.query.map(\.value)
    }
}
