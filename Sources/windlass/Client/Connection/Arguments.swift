/// The arguments of the command line. Connection options may also stand before the command: `windlass --worker X ps`.
struct Arguments {
    /// The arguments, with what stood before the verb behind it.
    let inOrder: [String]

    /// Verbs that are followed by another.
    private static let groups: Set<String> = ["context", "keys"]

    init(_ given: some Sequence<String>) {
        var rest = Array(given)[...]
        var early: [String] = []
        while let first = rest.first {
            let name = first.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
            guard ConnectionOptions.names.contains(name) else { break }
            early.append(rest.removeFirst())
            if name == first, let value = rest.popFirst() { early.append(value) }
        }
        var verb: [String] = []
        if let first = rest.popFirst() { verb.append(first) }
        if let first = verb.first, Arguments.groups.contains(first), let next = rest.first, !next.hasPrefix("-") {
            verb.append(rest.removeFirst())
        }
        inOrder = verb + early + rest
    }
}
