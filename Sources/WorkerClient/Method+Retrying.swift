public import ContainerProtocol

/// How the client repeats requests of a method.
extension Method {
    /// Whether the client gives each request an id of its own, so that the worker runs it once however often it comes.
    ///
    /// `credit`, `attach` and `detach` are about a connection and end with it; all others only look, and may be asked as
    /// often as one likes.
    public var carriesRequestID: Bool {
        switch self {
        case .create, .start, .exec, .signal, .signalProcess, .stop, .resize, .pause, .resume, .restore, .update,
            .checkpointCreate, .checkpointDelete, .delete, .stdin, .drain:
            true
        case .ping, .version, .stats, .pids, .summary, .checkpointList, .state, .list, .wait, .attach, .credit,
            .detach, .logs, .events, .snapshot, .health:
            false
        }
    }

    /// How long a call may take, over all its tries, whose caller has not said: 30 s to look, 5 min to change something
    /// (a creation can take minutes on a busy Windows host), and for ever for what ends when a container does.
    public var defaultTimeout: Duration? {
        switch self {
        case .wait, .stop, .attach: nil
        default: carriesRequestID ? .seconds(300) : .seconds(30)
        }
    }

    /// How long a try may go without an answer on a connection that stands before it is repeated there.
    ///
    /// A broken connection is seen at once and needs no patience. This is for what no connection tells: a reply that the
    /// worker had to give up, or a worker that went away behind a broker.
    var patience: Duration {
        if isAskedAnew { return Method.longestWait + .seconds(5) }
        return carriesRequestID ? .seconds(60) : .seconds(10)
    }

    /// Whether a try has a deadline of its own, after which the question is asked anew.
    ///
    /// A wait may last for years: with this a worker does not keep what a client has long forgotten.
    var isAskedAnew: Bool { self == .wait }

    /// The longest that one try of a wait lasts.
    static let longestWait = Duration.seconds(30)

    /// Whether a request is about its connection: then it is never repeated.
    var endsWithConnection: Bool { self == .credit || self == .detach }
}
