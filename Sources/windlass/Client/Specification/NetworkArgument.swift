import ArgumentParser

/// `--network`: none, host, netns:PATH or cni:NAME. Pure.
struct NetworkArgument: Sendable, Equatable {
    /// The annotation that the driver reads.
    static let annotation = "windlass.network"
    let text: String

    init(_ text: String) throws {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let isKnown =
            switch (parts[0], parts.count) {
            case ("none", 1), ("host", 1): true
            case ("netns", 2): parts[1].hasPrefix("/")
            case ("cni", 2): !parts[1].isEmpty && !parts[1].contains("/")
            default: false
            }
        guard isKnown else {
            throw ValidationError(
                "--network \(text): there are none, host, netns:/PATH (a network namespace) and cni:NAME (a network that "
                    + "the worker's host has configured)")
        }
        self.text = text
    }
}
