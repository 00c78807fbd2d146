import ContainerProtocol
import ZeroMQ

/// What the client's own sockets can fail with, in the words of the protocol.
extension Failure {
    /// The endpoint is none that can be connected to.
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
}
