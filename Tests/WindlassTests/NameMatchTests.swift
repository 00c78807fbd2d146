import ContainerModel
import ContainerProtocol
import Testing

@testable import windlass

/// What a name stands for that no container has.
struct NameMatchTests {
    private func match(_ name: String, _ beginnings: [String], _ others: [String] = []) throws -> ContainerID {
        let id = try #require(ContainerID(name))
        return try NameMatch(id, beginnings: beginnings, others: others, missing: .noContainer(id)).id
    }

    @Test func theOnlyNameThatBeginsSo() throws {
        #expect(try match("we", ["web"]).rawValue == "web")
    }

    @Test func severalNamesAreNamed() {
        let failure = #expect(throws: Failure.self) { try match("we", ["web-1", "web-2"]) }
        #expect(failure?.code == .invalidArgument)
        #expect(failure?.message.contains("web-1, web-2") == true)
    }

    @Test func aNearNameIsSuggested() {
        let failure = #expect(throws: Failure.self) { try match("wbe", [], ["db", "web"]) }
        #expect(failure?.code == .notFound)
        #expect(failure?.message.contains("did you mean web?") == true)
    }

    @Test func otherwiseTheWorkersWordsStand() {
        let failure = #expect(throws: Failure.self) { try match("xyzzy", [], ["db"]) }
        #expect(failure?.message.contains("no container xyzzy") == true)
    }
}
