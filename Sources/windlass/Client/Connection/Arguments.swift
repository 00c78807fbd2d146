/// The arguments of the command line, in the order and with the words that the parser expects. Pure.
///
/// Connection options may stand before the verb, the groups of Docker and Podman are left out (`container ls` is `ps`),
/// and the signal of `kill` may be an option of its own (`kill -9`).
struct Arguments {
    /// The arguments for the parser.
    let inOrder: [String]
    /// The first word that is no option; empty where there is none.
    var verb: String { inOrder.first { !$0.hasPrefix("-") } ?? "" }

    /// Verbs that are followed by another.
    private static let groups: Set<String> = ["config", "context", "keys"]

    init(_ given: some Sequence<String>) {
        var rest = Array(given)[...]
        var early: [String] = []
        while let first = rest.first {
            let name = first.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
            let own = Arguments.earlyNames[name] ?? name
            guard ConnectionOptions.names.contains(own) else { break }
            rest.removeFirst()
            early.append(own + first.dropFirst(name.count))
            if name == first, let value = rest.popFirst() { early.append(value) }
        }
        if rest.first == "-v" { rest[rest.startIndex] = "--version" }
        rest = Arguments.withoutGroup(rest)
        var verb: [String] = []
        if let first = rest.popFirst() { verb.append(first) }
        if let first = verb.first, Arguments.groups.contains(first), let next = rest.first, !next.hasPrefix("-") {
            verb.append(rest.removeFirst())
        }
        if verb == ["kill"] { rest = rest.flatMap(Arguments.signal)[...] }
        inOrder = verb + early + rest
    }

    /// How Docker calls connection options that stand before the verb.
    private static let earlyNames = ["-H": "--worker", "--host": "--worker", "--url": "--worker", "-c": "--context"]

    /// `container ls` as `ps`, `system events` as `events`.
    private static func withoutGroup(_ words: ArraySlice<String>) -> ArraySlice<String> {
        guard words.count > 1, let group = words.first else { return words }
        let rest = words.dropFirst()
        switch (group, rest.first) {
        case ("container", "ls"), ("container", "list"): return ["ps"] + rest.dropFirst()
        case ("container", "--help"), ("container", "-h"): return ["--help"]
        case ("container", _), ("system", "events"), ("system", "prune"), ("system", "info"): return rest
        default: return words
        }
    }

    /// `-9`, `-KILL` and `-SIGKILL` as `--signal`.
    private static func signal(_ word: String) -> [String] {
        let name = word.dropFirst()
        guard word.hasPrefix("-"), let first = name.first, first != "-" else { return [word] }
        let isNumber = name.allSatisfy { $0.isASCII && $0.isNumber }
        let isName = name.count > 1 && name.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber) }
        return isNumber || isName ? ["--signal", String(name)] : [word]
    }
}
