import ContainerModel
import ContainerProtocol

/// What is made of a name that no container has. Pure.
struct NameMatch: Equatable {
    /// As many names as a message shows, and one more.
    static let most = 6

    /// The only container whose name begins so.
    let id: ContainerID

    /// - Parameters:
    ///   - beginnings: the names that begin with `name`, up to ``most``.
    ///   - others: names that may have been meant.
    ///   - missing: the worker's failure.
    init(_ name: ContainerID, beginnings: [String], others: [String], missing: Failure) throws {
        if beginnings.count > 1 {
            let shown = beginnings.prefix(NameMatch.most - 1).joined(separator: ", ")
            throw Failure.invalidArgument(
                "\(name) is the beginning of several names: \(shown)\(beginnings.count < NameMatch.most ? "" : ", ...")"
            )
        }
        guard let only = beginnings.first.flatMap({ ContainerID($0) }) else {
            guard let near = Suggestion.nearest(to: name.rawValue, in: others) else { throw missing }
            throw Failure(.notFound, "there is no container \(name); did you mean \(near)?", details: missing.details)
        }
        id = only
    }

    /// The failure where the whole name was due.
    func refusal(of name: ContainerID) -> Failure {
        Failure(.notFound, "there is no container \(name); \(id) begins so: give its whole name")
    }
}
