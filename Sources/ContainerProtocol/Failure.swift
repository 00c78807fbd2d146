public import ContainerModel
public import MessagePack

/// An error in its wire form: `{code, message, retryable, details?}`.
public struct Failure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure that protocol version 1 knows.
    public enum Code: String, Sendable, CaseIterable {
        case invalidArgument = "invalid_argument"
        case notFound = "not_found"
        case alreadyExists = "already_exists"
        case failedPrecondition = "failed_precondition"
        case resourceExhausted = "resource_exhausted"
        case unavailable
        case deadlineExceeded = "deadline_exceeded"
        case unimplemented
        case permissionDenied = "permission_denied"
        case unauthenticated, aborted, cancelled, `internal`
        case dataLoss = "data_loss"
    }

    /// What kind of failure.
    public var code: Code
    /// One sentence for a person that names the thing and what to do.
    public var message: String
    /// Whether the same request can succeed later without any change.
    public var retryable: Bool
    /// What a program can use, such as `state` or `retry_after_ms`; Protocol.md lists the keys.
    public var details: Value.Map

    /// A failure.
    public init(_ code: Code, _ message: String, retryable: Bool = false, details: Value.Map? = nil) {
        self.code = code
        self.message = message
        self.retryable = retryable
        self.details = details ?? [:]
    }

    public var description: String { "\(code.rawValue): \(message)" }

    /// The request or one of its parameters is not acceptable.
    public static func invalidArgument(_ message: String) -> Failure { Failure(.invalidArgument, message) }

    /// There is no such container.
    public static func noContainer(_ id: ContainerID) -> Failure {
        Failure(.notFound, "there is no container \(id); `list` names those that there are")
    }

    /// There is no such process in the container.
    public static func noProcess(_ process: ProcessName, _ id: ContainerID) -> Failure {
        Failure(.notFound, "container \(id) has no process \(process); `state` names those that it has")
    }

    /// Something is full for now.
    public static func exhausted(_ message: String, retryAfterMilliseconds: Int) -> Failure {
        Failure(
            .resourceExhausted, message, retryable: true, details: ["retry_after_ms": .int(retryAfterMilliseconds)])
    }
}

extension Failure {
    /// The failure as a map.
    public var value: Value {
        var map: Value.Map = [
            "code": .string(code.rawValue), "message": .string(message), "retryable": .bool(retryable),
        ]
        if !details.isEmpty { map["details"] = .map(details) }
        return .map(map)
    }

    /// Reads a failure that came in a reply; what cannot be read is `internal`.
    public init(_ value: Value) {
        let code = value["code"]?.string.flatMap(Code.init(rawValue:)) ?? .internal
        let message = value["message"]?.string ?? "the worker sent an error that cannot be read"
        self.init(
            code, message, retryable: value["retryable"]?.bool ?? false, details: value["details"]?.map ?? [:])
    }
}
