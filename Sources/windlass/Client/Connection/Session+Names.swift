import ContainerModel
import ContainerProtocol
import MessagePack

/// How a container's name may be written.
enum NameUse: Sendable {
    /// The beginning of a name is enough, where only one container's begins so.
    case anyBeginning
    /// The beginning is enough for a person at a terminal. A script that ends containers gives whole names: one that is
    /// gone must not mean another container.
    case beginningAtTerminal
    /// The whole name.
    case wholeName
}

extension Session {
    /// The container that is meant by a name or its beginning.
    /// - Throws: `not_found` where there is none, `invalid_argument` where there are several.
    func container(_ name: ContainerID, _ use: NameUse = .anyBeginning) async throws -> ContainerID {
        do {
            try await call(.state, name)
            return name
        } catch let failure as Failure where failure.code == .notFound {
            let names = try await names(beginningWith: name.rawValue, limit: NameMatch.most)
            let others = names.isEmpty ? try await self.names(limit: 1000) : []
            let match = try NameMatch(name, beginnings: names, others: others, missing: failure)
            let isPermitted = use == .anyBeginning || (use == .beginningAtTerminal && Terminal.isTerminal(.input))
            guard isPermitted else { throw match.refusal(of: name) }
            if use == .beginningAtTerminal { console.note("\(name) is \(match.id)") }
            return match.id
        }
    }

    /// Names of containers in their order.
    func names(beginningWith beginning: String = "", limit: Int) async throws -> [String] {
        var found: [String] = []
        // Names that begin with others come directly behind them.
        var parameters: Value.Map = ["limit": .int(limit)]
        if !beginning.isEmpty { parameters["after"] = .string(beginning) }
        while found.count < limit {
            let page = try await call(.list, .map(parameters))
            let names = (page["containers"]?.array ?? []).compactMap { $0["id"]?.string }
            found += names.prefix { $0.hasPrefix(beginning) }
            guard names.allSatisfy({ $0.hasPrefix(beginning) }), let next = page["next"] else { break }
            parameters["after"] = next
        }
        return Array(found.prefix(limit))
    }
}
