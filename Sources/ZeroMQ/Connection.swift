import CZeroMQ
import Foundation

#if os(Windows)
    import WinSDK
#endif

/// Ends the connection of one peer, which libzmq itself cannot do. ``Message/connection`` is its descriptor.
///
/// Any thread may call this: it reads nothing of a socket but where that serves.
public enum Connection {
    /// The ends of a socket's own connections, by which they are recognized.
    public struct Places: Sendable {
        fileprivate let places: Set<Place>

        /// The places of endpoints, as ``Socket/bind(_:)`` returned them or as a socket connected to them.
        public init(_ endpoints: [String]) { places = Set(endpoints.compactMap(Place.init(endpoint:))) }
    }

    /// Ends a connection of a socket, in both directions and at once. libzmq sees it as closed by the peer, which may
    /// connect again.
    ///
    /// A message can outlive its connection, and the system then reuses the descriptor. So a descriptor that is no
    /// connection of the socket is left alone. If it now belongs to another peer of the same socket, that peer connects
    /// again.
    /// - Parameter places: where the socket serves.
    /// - Returns: false if the descriptor is no connection of the socket.
    @discardableResult
    public static func cut(_ descriptor: Int32, of places: Places) -> Bool {
        let ends = [Place(descriptor, getsockname), Place(descriptor, getpeername)]
        guard ends.contains(where: { $0.map(places.places.contains) ?? false }) else { return false }
        #if os(Windows)
            return shutdown(SOCKET(descriptor), SD_BOTH) == 0
        #else
            return shutdown(descriptor, Int32(SHUT_RDWR)) == 0
        #endif
    }

    /// Ends a connection of `socket`, on its thread.
    @discardableResult
    public static func cut(_ descriptor: Int32, of socket: Socket) -> Bool {
        cut(descriptor, of: Places(socket.endpoints))
    }
}

/// The address of one end of a connection, as far as it distinguishes the sockets of one process.
private enum Place: Hashable, Sendable {
    case port(UInt16)
    case path(String)

    /// The place that a socket was bound or connected to; nil for a transport without descriptors.
    init?(endpoint: String) {
        if endpoint.hasPrefix("ipc://") {
            self = .path(String(endpoint.dropFirst("ipc://".count)))
        } else if endpoint.hasPrefix("tcp://"), let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) {
            self = .port(port)
        } else {
            return nil
        }
    }

    #if os(Windows)
        typealias Descriptor = SOCKET
        typealias Length = Int32
    #else
        typealias Descriptor = Int32
        typealias Length = socklen_t
    #endif

    /// The place of a descriptor's own end (`getsockname`) or of the other one (`getpeername`).
    init?(
        _ descriptor: Int32,
        _ name: (Descriptor, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<Length>?) -> Int32
    ) {
        var address = [UInt8](repeating: 0, count: MemoryLayout<sockaddr_storage>.size)
        var length = Length(address.count)
        let status = address.withUnsafeMutableBytes { bytes in
            name(Descriptor(descriptor), bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, &length)
        }
        // The family has the first two bytes on both systems; an internet address has the port next, in network order.
        guard status == 0, length >= 2 else { return nil }
        let family = address.withUnsafeBytes { Int32($0.loadUnaligned(as: UInt16.self)) }
        switch family {
        case Int32(AF_INET), Int32(AF_INET6): self = .port(UInt16(address[2]) << 8 | UInt16(address[3]))
        case Int32(AF_UNIX):
            // An abstract name, which an endpoint writes with an `@`, begins with a NUL and has none at its end.
            let name = address[2..<min(address.count, Int(length))]
            guard let first = name.first else { return nil }
            self = .path(
                first == 0
                    ? "@" + String(decoding: name.dropFirst(), as: UTF8.self)
                    : String(decoding: name.prefix { $0 != 0 }, as: UTF8.self))
        default: return nil
        }
    }
}
