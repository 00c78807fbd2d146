import Testing

@testable import Worker

/// What comes over the connections of the worker's pages, as their pure parts see it.
struct HTTPTests {
    /// A reader whose changes an expectation may call for.
    private final class Reader {
        private var reader = HTTPRequestReader()
        func append(_ bytes: some Sequence<UInt8>) { reader.append(bytes) }
        func next() -> HTTPRequestReader.Outcome? { reader.next() }
    }

    private func read(_ text: String) -> HTTPRequestReader.Outcome? {
        let reader = Reader()
        reader.append(text.utf8)
        return reader.next()
    }

    private func request(
        _ path: String, _ query: [(name: String, value: String)] = [], closes: Bool = false
    ) -> HTTPRequestReader.Outcome {
        .request(HTTPRequest(method: "GET", path: path, query: query, closes: closes))
    }

    @Test func aRequestIsReadHoweverItIsCut() {
        let whole = "GET /readyz?verbose&exclude=journal HTTP/1.1\r\nHost: a\r\nAccept: */*\r\n\r\n"
        let expected = request("/readyz", [("verbose", ""), ("exclude", "journal")])
        #expect(read(whole) == expected)
        for cut in 1..<whole.utf8.count {
            let reader = Reader()
            reader.append(whole.utf8.prefix(cut))
            #expect(reader.next() == nil)
            reader.append(whole.utf8.dropFirst(cut))
            #expect(reader.next() == expected)
            #expect(reader.next() == nil)
        }
    }

    @Test func severalRequestsAreReadInTheirOrder() {
        let reader = Reader()
        reader.append("GET /a HTTP/1.1\r\n\r\n\r\nGET /b HTTP/1.1\n\nGET /c HTT".utf8)
        #expect(reader.next() == request("/a"))
        #expect(reader.next() == request("/b"))
        #expect(reader.next() == nil)
        reader.append("P/1.0\r\n\r\n".utf8)
        #expect(reader.next() == request("/c", closes: true))
    }

    @Test func whoClosesTheConnectionIsRead() {
        #expect(read("GET / HTTP/1.1\r\nConnection: Close\r\n\r\n") == request("/", closes: true))
        #expect(read("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") == request("/"))
    }

    @Test(arguments: [
        ("\u{0}\u{1}\r\n\r\n", HTTPResponse.Status.badRequest), ("GET /\r\n\r\n", .badRequest),
        ("GET metrics HTTP/1.1\r\n\r\n", .badRequest), ("GET / HTTP/2.0\r\n\r\n", .versionNotSupported),
        ("GET / x HTTP/1.1\r\n\r\n", .badRequest), ("GET / HTTP/1.1\r\nno colon\r\n\r\n", .badRequest),
        ("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", .badRequest),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", .badRequest),
        ("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 8192))\r\n\r\n", .tooLarge),
        (String(repeating: "x", count: 8193), .tooLarge),
    ]) func whatIsNoRequestIsRefused(_ text: String, _ status: HTTPResponse.Status) {
        let reader = Reader()
        reader.append(text.utf8)
        #expect(reader.next() == .refused(status))
        reader.append("GET / HTTP/1.1\r\n\r\n".utf8)
        #expect(reader.next() == nil)
    }

    @Test func anAnswerHasItsLength() {
        let answer = String(decoding: HTTPResponse(.ok, "ok\n").encoded(closes: false), as: UTF8.self)
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.contains("\r\nContent-Length: 3\r\n"))
        #expect(answer.contains("\r\nCache-Control: no-store\r\n") && answer.hasSuffix("\r\n\r\nok\n"))
        #expect(!answer.contains("Connection"))
        let closing = String(decoding: HTTPResponse(.methodNotAllowed, "").encoded(closes: true), as: UTF8.self)
        #expect(closing.contains("\r\nConnection: close\r\n") && closing.contains("\r\nAllow: GET\r\n"))
    }

    // MARK: Connections

    private let start = ContinuousClock.now

    /// The same for connections.
    private final class Connections {
        private var connections = HTTPConnections()
        var count: Int { connections.count }
        func beganOrEnded(_ id: [UInt8], _ descriptor: Int32?, at now: ContinuousClock.Instant) -> Bool {
            connections.beganOrEnded(id, descriptor, at: now)
        }
        func cut(_ id: [UInt8], at now: ContinuousClock.Instant) -> Int32? { connections.cut(id, at: now) }
        func serves(_ id: [UInt8]) -> Bool { connections.serves(id) }
        func received(_ id: [UInt8], _ text: String, at now: ContinuousClock.Instant) {
            connections.received(id, text.utf8, at: now)
        }
        func next(_ id: [UInt8]) -> HTTPRequestReader.Outcome? { connections.next(id) }
        func answered(_ id: [UInt8], closes: Bool, at now: ContinuousClock.Instant) {
            connections.answered(id, closes: closes, at: now)
        }
        func silent(at now: ContinuousClock.Instant) -> [[UInt8]] { connections.silent(at: now) }
    }

    @Test func oneConnectionTooManyIsCut() {
        let connections = Connections()
        for number in 0..<HTTPConnections.limit { #expect(connections.beganOrEnded([UInt8(number)], 7, at: start)) }
        #expect(!connections.beganOrEnded([200], 8, at: start))
        #expect(connections.cut([200], at: start) == 8)
        // Its end is not taken for another beginning.
        #expect(connections.beganOrEnded([200], nil, at: start) && connections.count == HTTPConnections.limit)
        #expect(connections.beganOrEnded([0], nil, at: start) && connections.count == HTTPConnections.limit - 1)
        #expect(connections.beganOrEnded([201], 9, at: start))
    }

    @Test func aSilentConnectionIsCut() {
        let connections = Connections()
        _ = connections.beganOrEnded([1], 5, at: start)
        _ = connections.beganOrEnded([2], 6, at: start)
        connections.received([2], "GET /", at: start + .seconds(9))
        #expect(connections.silent(at: start + .seconds(9.9)).isEmpty)
        #expect(connections.silent(at: start + .seconds(10)) == [[1]])
        #expect(connections.cut([1], at: start + .seconds(10)) == 5 && !connections.serves([1]))
        #expect(connections.count == 1)
        // Where its end is not reported, it is forgotten.
        #expect(connections.silent(at: start + .seconds(20)) == [[2]])
        #expect(connections.beganOrEnded([1], 5, at: start + .seconds(20)) && connections.serves([1]))
    }

    @Test func oneAnswerFollowsAnother() {
        let connections = Connections()
        _ = connections.beganOrEnded([1], 5, at: start)
        connections.received(
            [1], "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n", at: start)
        #expect(connections.next([1]) == request("/a"))
        #expect(connections.next([1]) == nil)
        connections.answered([1], closes: false, at: start)
        #expect(connections.next([1]) == request("/b"))
        connections.answered([1], closes: true, at: start)
        #expect(connections.next([1]) == nil)
    }

    // MARK: Pages

    private func ask(_ pages: WorkerPages, _ target: String, method: String = "GET") throws -> HTTPResponse {
        guard case .request(let request) = read("\(method) \(target) HTTP/1.1\r\n\r\n") else {
            throw Failed(description: "\(target) is not read")
        }
        var answer: HTTPResponse?
        pages.answer(request) { answer = $0 }
        return try #require(answer)
    }

    private struct Failed: Error { let description: String }

    private func pages(_ checks: [HealthCheck], live: Bool = true) -> WorkerPages {
        WorkerPages(
            health: { HealthReport(live: HealthCheck("loop", live, "it\nhangs"), checks: checks) },
            metrics: { $0(Array("m 1\n".utf8)) })
    }

    @Test func healthHasItsPages() throws {
        let well = pages([HealthCheck("journal", true, "well")])
        #expect(try ask(well, "/livez").body == Array("ok\n".utf8))
        #expect(try ask(well, "/readyz?verbose").body == Array("[+]journal ok\nok\n".utf8))
        let ill = pages([HealthCheck("journal", false, "full"), HealthCheck("driver", true, "")], live: false)
        let ready = try ask(ill, "/readyz")
        #expect(ready.status == .unavailable && ready.body == Array("[-]journal: full\nnot ok\n".utf8))
        #expect(try ask(ill, "/readyz?exclude=journal").status == .ok)
        #expect(
            try ask(ill, "/readyz?verbose&exclude=journal").body
                == Array("[+]journal excluded: ok\n[+]driver ok\nok\n".utf8))
        #expect(try ask(ill, "/livez").body == Array("[-]loop: it hangs\nnot ok\n".utf8))
    }

    @Test func onlyWhatThereIsIsAnswered() throws {
        let pages = pages([])
        let metrics = try ask(pages, "/metrics")
        #expect(metrics.body == Array("m 1\n".utf8) && metrics.type == "text/plain; version=0.0.4; charset=utf-8")
        for path in ["/", "/healthz", "/metrics/", "/Metrics"] { #expect(try ask(pages, path).status == .notFound) }
        for method in ["POST", "HEAD", "PUT"] {
            #expect(try ask(pages, "/metrics", method: method).status == .methodNotAllowed)
        }
    }
}
