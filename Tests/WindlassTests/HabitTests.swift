import Testing

@testable import windlass

/// What the command line says to what it does not have.
struct HabitTests {
    private func advice(_ line: String) -> String? {
        Habits.advice(for: Arguments(line.split(separator: " ").map(String.init)), verbs: CommandNames.all)
    }

    @Test(arguments: [
        ("images", "no images"), ("compose up", "own host only"), ("rename a b", "keeps its name"),
        ("alloc logs web", "`windlass logs NAME`"), ("node drain -enable", "windlass drain"),
        ("run --restart always true", "runs once"), ("run -p 80:80 nginx", "no ports"),
        ("run -p80:80 nginx", "no ports"),
        ("create --privileged sh", "--cap-add"), ("ps --size", "no --size"), ("-D ps", "--log-level debug"),
        ("ps --format {{.ID}}", "no templates"), ("rum x", "did you mean run?"), ("lgos web", "did you mean logs?"),
        ("frobnicate", "see windlass --help"),
    ])
    func whatThereIsNotIsExplained(_ line: String, _ words: String) throws {
        let text = try #require(advice(line))
        #expect(text.contains(words), "\(text)")
    }

    @Test func theProgramsOwnOptionsAreItsOwn() { #expect(advice("run -- sh -p 80") == nil) }

    /// Advice hides no option: what it is about is refused by the parser.
    @Test func adviceIsOnlyAboutWhatThereIsNot() {
        for verb in Habits.missing.keys { #expect(!CommandNames.all.contains(verb), "\(verb)") }
        for verb in Habits.groups.keys { #expect(!CommandNames.all.contains(verb), "\(verb)") }
        for (verb, options) in Habits.options {
            for option in options.keys {
                #expect(throws: (any Error).self, "\(verb) \(option)") {
                    try Windlass.parseAsRoot([verb, option, "web", "x"])
                }
            }
        }
        for option in Habits.creationOptions.keys where option != "-h" {
            #expect(throws: (any Error).self, "run \(option)") {
                try Windlass.parseAsRoot(["run", option, "x", "true"])
            }
        }
    }

    @Test(arguments: [
        ("ruun", "run"), ("sttats", "stats"), ("kil", "kill"), ("inpsect", "inspect"), ("events", "events"),
    ])
    func theNearestWord(_ word: String, _ meant: String) {
        #expect(Suggestion.nearest(to: word, in: CommandNames.all) == meant)
    }

    @Test func wordsThatAreFarAwayAreNotSuggested() {
        #expect(Suggestion.nearest(to: "xyzzy", in: CommandNames.all) == nil)
        #expect(Suggestion.nearest(to: "q", in: CommandNames.all) == nil)
        #expect(Suggestion.distance("ab", "ba") == 1)
        #expect(Suggestion.distance("", "abc") == 3)
    }
}
