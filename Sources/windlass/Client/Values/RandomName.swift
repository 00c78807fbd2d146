/// Names for containers that are created without one: readable, and with enough variety to be free.
struct RandomName {
    private static let qualities = [
        "able", "amber", "brave", "brisk", "calm", "clear", "clever", "cosy", "eager", "early", "fair", "fleet", "fond",
        "free", "gentle", "glad", "grand", "hardy", "keen", "kind", "lively", "lucky", "merry", "mild", "neat", "noble",
        "plain", "proud", "quick", "quiet", "ready", "sound", "spry", "steady", "stout", "sunny", "swift", "tidy",
        "trusty", "warm", "wise", "witty",
    ]
    private static let things = [
        "anchor", "barge", "beacon", "bollard", "brig", "buoy", "cable", "canal", "capstan", "crane", "cutter", "davit",
        "derrick", "dock", "dory", "ferry", "fjord", "galley", "gantry", "gull", "harbour", "hatch", "hoist", "jetty",
        "keel", "ketch", "lantern", "lighter", "mast", "mole", "oar", "pier", "pulley", "punt", "quay", "reef",
        "rudder",
        "sail", "sheave", "sloop", "tackle", "tide", "tug", "wharf", "winch",
    ]

    /// For a container, such as `brisk-winch-3f9a`.
    static func container() -> String {
        "\(qualities.randomElement() ?? "plain")-\(things.randomElement() ?? "hoist")-\(digits())"
    }

    /// For a further process of a container, such as `exec-3f9a21c0`.
    static func process() -> String { "exec-\(digits())\(digits())" }

    private static func digits() -> String {
        let text = String(UInt16.random(in: 0 ... .max), radix: 16)
        return String(repeating: "0", count: 4 - text.count) + text
    }
}
