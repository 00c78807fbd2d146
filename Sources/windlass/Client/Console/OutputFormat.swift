import ArgumentParser

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// For people: aligned columns.
    case table
    /// For programs: one JSON value a line.
    case json
}
