import CZeroMQ
import Foundation

#if os(Windows)
    import WinSDK
#endif

extension Connection {
    /// How many bytes a connection has received. A peer's messages show it only once libzmq has handed them over; the
    /// system knows it before. Any thread may ask.
    /// - Parameter before: the result of the call before. Where the system does not count, what is unread is added to it.
    public static func received(_ descriptor: Int32, before: UInt64) -> UInt64 {
        total(descriptor) ?? before + unread(descriptor)
    }

    /// What the system has received for a TCP connection; nil for another, and where the system does not count.
    private static func total(_ descriptor: Int32) -> UInt64? {
        #if os(Linux)
            // `tcpi_bytes_received` of linux/tcp.h, which glibc's netinet/tcp.h does not declare.
            let (offset, size) = (128, 136)
            return withUnsafeTemporaryAllocation(byteCount: size, alignment: 8) { bytes in
                var length = socklen_t(size)
                let status = getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, bytes.baseAddress, &length)
                guard status == 0, Int(length) >= size else { return nil }
                return UnsafeRawBufferPointer(bytes).load(fromByteOffset: offset, as: UInt64.self)
            }
        #else
            return nil
        #endif
    }

    /// What the system has received and libzmq has not read yet; 0 for what is no connection.
    private static func unread(_ descriptor: Int32) -> UInt64 {
        #if os(Windows)
            var count: UInt32 = 0
            return ioctlsocket(SOCKET(descriptor), Int32(bitPattern: 0x4004_667F), &count) == 0 ? UInt64(count) : 0
        #else
            var count: Int32 = 0
            return ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? UInt64(max(0, count)) : 0
        #endif
    }
}
