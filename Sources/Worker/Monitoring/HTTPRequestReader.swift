/// Cuts the bytes of one connection into requests. Pure.
///
/// It understands what monitoring systems send: GET without a body. At most ``limit`` bytes are kept.
struct HTTPRequestReader {
    /// Bytes that are kept: more than any request line and headers of a monitoring system have.
    static let limit = 8 * 1024

    /// What has come.
    enum Outcome: Equatable {
        case request(HTTPRequest)
        /// What has come is no request. Nothing that follows can be understood.
        case refused(HTTPResponse.Status)
    }

    private var bytes: [UInt8] = []
    private var isOver = false

    /// Takes the next bytes.
    mutating func append(_ more: some Sequence<UInt8>) {
        guard !isOver else { return }
        bytes.append(contentsOf: more)
    }

    /// Takes out the next request; nil where it has not come whole.
    mutating func next() -> Outcome? {
        guard !isOver else { return nil }
        // Empty lines before a request are skipped, as RFC 9112 2.2 asks.
        while let first = bytes.first, first == 13 || first == 10 { bytes.removeFirst() }
        guard let end = HTTPRequestReader.endOfHead(bytes) else {
            return bytes.count > HTTPRequestReader.limit ? refuse(.tooLarge) : nil
        }
        guard end.head <= HTTPRequestReader.limit else { return refuse(.tooLarge) }
        let head = bytes[..<end.head]
        bytes.removeSubrange(..<end.next)
        switch HTTPRequestReader.read(head) {
        case .success(let request): return .request(request)
        case .failure(let refusal): return refuse(refusal.status)
        }
    }

    private mutating func refuse(_ status: HTTPResponse.Status) -> Outcome {
        isOver = true
        bytes = []
        return .refused(status)
    }

    /// The empty line behind the headers; a line may end without a carriage return.
    /// - Returns: where the head ends and what follows begins.
    private static func endOfHead(_ bytes: [UInt8]) -> (head: Int, next: Int)? {
        var isLineEmpty = false
        for (index, byte) in bytes.enumerated() {
            if byte == 10 {
                if isLineEmpty { return (index, index + 1) }
                isLineEmpty = true
            } else if byte != 13 {
                isLineEmpty = false
            }
        }
        return nil
    }

    private struct Refusal: Error {
        let status: HTTPResponse.Status
    }

    private static func read(_ head: ArraySlice<UInt8>) -> Result<HTTPRequest, Refusal> {
        let refused = { (status: HTTPResponse.Status) in Result<HTTPRequest, Refusal>.failure(Refusal(status: status)) }
        // What is not printable has no place in a head, and what is not ASCII none in what is read here.
        guard head.allSatisfy({ $0 >= 32 || $0 == 13 || $0 == 10 || $0 == 9 }) else { return refused(.badRequest) }
        let lines = String(decoding: head, as: UTF8.self).split(whereSeparator: \.isNewline)
        let parts = lines.first?.split(separator: " ", omittingEmptySubsequences: false) ?? []
        guard parts.count == 3, !parts[0].isEmpty, parts[1].hasPrefix("/"), parts[2].hasPrefix("HTTP/") else {
            return refused(.badRequest)
        }
        guard parts[2] == "HTTP/1.1" || parts[2] == "HTTP/1.0" else { return refused(.versionNotSupported) }
        let target = parts[1].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var request = HTTPRequest(
            method: String(parts[0]), path: String(target.first ?? ""),
            query: target.count == 2 ? pairs(target[1]) : [], closes: parts[2] == "HTTP/1.0")
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), colon != line.startIndex else { return refused(.badRequest) }
            let value = line[line.index(after: colon)...].filter { $0 != " " && $0 != "\t" }.lowercased()
            switch line[..<colon].lowercased() {
            // A body would be taken for the next request.
            case "content-length" where value != "0": return refused(.badRequest)
            case "transfer-encoding": return refused(.badRequest)
            case "connection" where value.split(separator: ",").contains("close"): request.closes = true
            case "connection" where value.split(separator: ",").contains("keep-alive"): request.closes = false
            default: break
            }
        }
        return .success(request)
    }

    private static func pairs(_ query: Substring) -> [(name: String, value: String)] {
        query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts.first ?? ""), parts.count == 2 ? String(parts[1]) : "")
        }
    }
}
