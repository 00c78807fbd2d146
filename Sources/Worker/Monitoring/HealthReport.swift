/// The state of a host: what `health` answers, and the pages `/livez` and `/readyz`.
struct HealthReport {
    /// Whether this worker does its work at all: where it does not, it is to be started anew.
    let live: HealthCheck
    /// Whether containers can be created now, by what that depends on.
    let checks: [HealthCheck]

    /// Whether every check but those that are left out is fine.
    func isReady(without excluded: Set<String> = []) -> Bool {
        checks.allSatisfy { $0.isOK || excluded.contains($0.name) }
    }

    /// The page of one question: `ok`, or what is not.
    /// - Parameters:
    ///   - isVerbose: whether every check has a line.
    ///   - excluded: names of checks that do not count.
    func page(of checks: [HealthCheck], isVerbose: Bool, without excluded: Set<String>) -> HTTPResponse {
        let counted = checks.filter { !excluded.contains($0.name) }
        let isOK = counted.allSatisfy(\.isOK)
        let lines = checks.compactMap { check -> String? in
            if excluded.contains(check.name) { return isVerbose ? "[+]\(check.name) excluded: ok" : nil }
            if check.isOK { return isVerbose ? "[+]\(check.name) ok" : nil }
            return "[-]\(check.name): \(HealthReport.line(check.message))"
        }
        return HTTPResponse(
            isOK ? .ok : .unavailable, (lines + [isOK ? "ok" : "not ok"]).joined(separator: "\n") + "\n")
    }

    /// A message may quote what others have written.
    private static func line(_ text: String) -> String {
        String(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : Character($0) })
    }
}
