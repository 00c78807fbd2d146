import CZeroMQ

/// A socket that has rarely anything. libzmq asks the system about every socket that it reads or polls; this one is
/// polled by its descriptor, together with the others, and read when that is readable.
struct QuietSocket {
    let socket: Socket
    let descriptor: Socket.Descriptor
    let handler: () -> SocketLoop.Turn
    /// The descriptor becomes readable for new messages only: the first turn looks for earlier ones.
    var hasSomething = true

    var pollItem: zmq_pollitem_t {
        zmq_pollitem_t(socket: nil, fd: descriptor, events: Int16(ZMQ_POLLIN), revents: 0)
    }
}
