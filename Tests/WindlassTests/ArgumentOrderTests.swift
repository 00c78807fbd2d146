import ContainerProtocol
import Testing

@testable import windlass

/// The command line is put in the parser's order and words.
struct ArgumentOrderTests {
    private func words(_ line: String) -> [String] {
        Arguments(line.split(separator: " ").map(String.init)).inOrder
    }

    @Test(arguments: [
        ("--worker tcp://h:1 ps -a", "ps --worker tcp://h:1 -a"), ("--format=json ps", "ps --format=json"),
        ("-H tcp://h:1 ps", "ps --worker tcp://h:1"), ("--host=tcp://h:1 ps", "ps --worker=tcp://h:1"),
        ("-c prod ps", "ps --context prod"), ("--context prod keys list", "keys list --context prod"),
        ("container ls -a", "ps -a"), ("container rm web", "rm web"), ("system prune -f", "prune -f"),
        ("system events", "events"), ("kill -9 web", "kill --signal 9 web"),
        ("kill -SIGTERM web", "kill --signal SIGTERM web"), ("kill -USR1 web", "kill --signal USR1 web"),
        ("kill -s 9 web", "kill -s 9 web"), ("-v", "--version"), ("run -- kill -9 1", "run -- kill -9 1"), ("", ""),
    ])
    func theOrderOfTheParser(_ given: String, _ expected: String) {
        #expect(words(given) == expected.split(separator: " ").map(String.init))
    }

    @Test func argumentsThatAreNotTextAreRefused() throws {
        #expect(try RawArguments.texts([Array("run".utf8), Array("ä".utf8)]) == ["run", "ä"])
        let failure = #expect(throws: Failure.self) { try RawArguments.texts([[0x61], [0x62, 0xFF, 0x1B]]) }
        #expect(failure?.message.contains(#"argument 2 is not UTF-8: b\xff\x1b"#) == true)
    }

    @Test func connectionOptionsAreFoundForCompletion() {
        #expect(
            Completions.connection(in: ["windlass", "--worker", "tcp://h:1", "rm", "--key=k", "--format", "json", "w"])
                == ["--worker", "tcp://h:1", "--key=k"])
    }
}
