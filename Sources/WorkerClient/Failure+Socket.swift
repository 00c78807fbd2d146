import ContainerProtocol
import ZeroMQ

/// What the client's own sockets can fail with, in the words of the protocol.
extension Failure {
    /// The endpoint is not valid for a connection.
    static func badEndpoint(_ error: ZeroMQError) -> Failure {
        .invalidArgument("\(error); an endpoint is, for example, tcp://127.0.0.1:5770 or ipc:///run/windlass")
    }

    /// The system gives no socket, or no thread for it.
    static func noSocket(_ error: ZeroMQError) -> Failure {
        Failure(
            .resourceExhausted,
            "this client cannot have a socket: \(error); raise the limit of open files (`ulimit -n`)",
            retryable: true)
    }

    /// The worker has refused the client's key.
    static func keyRefused(_ endpoint: String) -> Failure {
        Failure(
            .unauthenticated,
            "the worker at \(endpoint) does not let this key in: it is unknown, revoked or expired, or has no right to "
                + "this socket; its operator can let it in with `windlass keys authorize`")
    }

    /// Handshakes fail before any key of the client's is looked at.
    static func handshakeFailed(_ endpoint: String) -> Failure {
        Failure(
            .unauthenticated,
            "the worker at \(endpoint) does not prove the server key that was given: the key is another's or an old one, or "
                + "the port serves no encrypted connections")
    }
}
