import Foundation

/// Asks a worker for its pages by HTTP, on a connection for each.
struct BenchPage {
    private let port: UInt16

    /// - Parameter endpoint: on loopback, as the worker prints it.
    init(_ endpoint: String) throws {
        guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw BenchFailure("the worker serves no metrics: \(endpoint)")
        }
        self.port = port
    }

    /// The body of a page.
    func get(_ path: String) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else {
            throw BenchFailure("the worker's page cannot be had: \(String(cString: strerror(errno)))")
        }
        let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        guard send(descriptor, request, request.count, 0) == request.count else {
            throw BenchFailure("the worker takes no request by HTTP")
        }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            guard count > 0 else { throw BenchFailure("the worker's page ends early") }
            answer += piece.prefix(count)
            if let body = BenchPage.body(of: String(decoding: answer, as: UTF8.self)) { return body }
        }
    }

    /// The body, where the answer is whole.
    private static func body(of answer: String) -> String? {
        guard let end = answer.firstRange(of: "\r\n\r\n") else { return nil }
        let name = "Content-Length: "
        let length = answer[..<end.lowerBound].split(separator: "\r\n").first { $0.hasPrefix(name) }
            .flatMap { Int($0.dropFirst(name.count)) }
        let body = answer[end.upperBound...]
        return body.utf8.count == length ? String(body) : nil
    }
}
