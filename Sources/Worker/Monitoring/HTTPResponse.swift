/// An answer of the worker's pages.
struct HTTPResponse: Sendable {
    enum Status: Int, Sendable {
        case ok = 200
        case badRequest = 400
        case notFound = 404
        case methodNotAllowed = 405
        case tooLarge = 431
        case unavailable = 503
        case versionNotSupported = 505

        fileprivate var reason: String {
            switch self {
            case .ok: "OK"
            case .badRequest: "Bad Request"
            case .notFound: "Not Found"
            case .methodNotAllowed: "Method Not Allowed"
            case .tooLarge: "Request Header Fields Too Large"
            case .unavailable: "Service Unavailable"
            case .versionNotSupported: "HTTP Version Not Supported"
            }
        }
    }

    var status: Status
    var type = "text/plain; charset=utf-8"
    var body: [UInt8]

    init(_ status: Status, type: String = "text/plain; charset=utf-8", _ body: [UInt8]) {
        self.status = status
        self.type = type
        self.body = body
    }

    init(_ status: Status, _ text: String) { self.init(status, Array(text.utf8)) }

    /// As it goes over the connection.
    /// - Parameter closes: whether the connection is closed behind it.
    func encoded(closes: Bool) -> [UInt8] {
        var head = "HTTP/1.1 \(status.rawValue) \(status.reason)\r\nContent-Type: \(type)\r\n"
        head += "Content-Length: \(body.count)\r\nCache-Control: no-store\r\n"
        if status == .methodNotAllowed { head += "Allow: GET\r\n" }
        head += closes ? "Connection: close\r\n\r\n" : "\r\n"
        return Array(head.utf8) + body
    }
}
