import ArgumentParser

/// What users of Docker, Podman and Nomad type by habit and what this program does not have: the reason, and what to
/// type instead. Pure.
///
/// It is asked only about a command line that the parser has refused, so it never hides what there is.
enum Habits {
    /// One sentence or two for the user; nil where the parser's own message says enough.
    /// - Parameter verbs: the verbs that there are, with their other names.
    static func advice(for arguments: Arguments, verbs: [String]) -> String? {
        let words = arguments.inOrder
        let verb = arguments.verb
        if let first = words.first, first.hasPrefix("-") {
            return names(in: first).firstNonNil { name in globalOptions[name].map { "\(name): \($0)" } }
        }
        guard verbs.contains(verb) else { return unknown(verb, words, verbs) }
        for word in options(in: words.dropFirst(), of: verb) where word.hasPrefix("-") {
            if let advice = advice(on: word, of: verb) { return advice }
        }
        if words.contains(where: { $0.contains("{{") }) {
            return
                "\(verb): there are no templates; --format json prints one JSON value a line, for a program such as jq"
        }
        return positional[verb].map { "\(verb): \($0)" }
    }

    /// Advice on an option that `verb` does not have; nil where there is none.
    static func advice(on option: String, of verb: String) -> String? {
        let isCreation = ["run", "create"].contains(verb)
        for name in names(in: option) {
            if let advice = options[verb]?[name] ?? (isCreation ? creationOptions[name] : nil) ?? common[name] {
                return "\(verb) has no \(name): \(advice)"
            }
        }
        return nil
    }

    /// The words before the program, as far as that shows in a command line that could not be read.
    private static func options(in words: ArraySlice<String>, of verb: String) -> ArraySlice<String> {
        guard ["run", "create", "exec"].contains(verb) else { return words.prefix { $0 != "--" } }
        var mayBeValue = false
        return words.prefix { word in
            guard word.hasPrefix("-") else {
                defer { mayBeValue = false }
                return mayBeValue || verb == "exec"
            }
            let isFlag = flags.contains(word) || word.contains("=") || (!word.hasPrefix("--") && word.count > 2)
            mayBeValue = !isFlag
            return word != "--"
        }
    }

    /// Options of those verbs that have no value.
    private static let flags: Set<String> = [
        "--rm", "-d", "--detach", "-i", "--interactive", "-t", "--tty", "--read-only", "--privileged", "--init",
    ]

    private static func unknown(_ verb: String, _ words: [String], _ verbs: [String]) -> String? {
        let next = words.drop { $0 != verb }.dropFirst().first { !$0.hasPrefix("-") }
        if let group = groups[verb] {
            return "there is no \(verb.printable): "
                + (next.flatMap { group[$0] } ?? group[""] ?? "see windlass --help")
        }
        if let advice = missing[verb] { return "there is no \(verb.printable): \(advice)" }
        let known = Suggestion.nearest(to: verb, in: verbs)
        return "there is no \(verb.printable)" + (known.map { "; did you mean \($0)?" } ?? "; see windlass --help")
    }

    /// The options of a word without their values: `-p8080:80` is `-p`, and `-fv` may be `-f` and `-v`.
    private static func names(in word: String) -> [String] {
        guard word.hasPrefix("-") else { return [] }
        let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
        if word.hasPrefix("--") { return [name] }
        return [name] + word.dropFirst().prefix { $0.isLetter }.map { "-\($0)" }
    }
}

extension Sequence {
    /// What `transform` makes of the first element that it makes something of.
    func firstNonNil<Result>(_ transform: (Element) throws -> Result?) rethrows -> Result? {
        for element in self { if let result = try transform(element) { return result } }
        return nil
    }
}
