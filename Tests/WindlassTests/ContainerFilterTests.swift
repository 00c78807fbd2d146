import ContainerModel
import ArgumentParser
import ContainerProtocol
import MessagePack
import Testing

@testable import windlass

/// Which containers `ps` shows, and in which order.
struct ContainerFilterTests {
    private func filter(_ texts: String...) throws -> ContainerFilter {
        try ContainerFilter(texts.map { try #require(KeyValue(argument: $0)) })
    }

    @Test func theWorkerChoosesByLabelAndState() throws {
        #expect(
            try filter("status=exited", "label=a=b").query(all: false) == ["labels": ["a": "b"], "states": ["stopped"]])
        #expect(try filter("state=running").query(all: true) == ["states": ["running"]])
        #expect(try filter().query(all: true).isEmpty)
        #expect(try filter().query(all: false)["states"]?.array?.contains("stopped") == false)
        #expect(try filter("exited=0").query(all: false).isEmpty)
    }

    @Test func theRestIsChosenHere() throws {
        let exit: Value = [
            "code": 3, "known": true, "reason": "exited", "at": .timestamp(.epoch), "observed_by": "driver",
        ]
        let record: Value = ["id": "web-1", "labels": ["a": ""], "exit": exit]
        for match in ["name=eb", "name=^web", "name=^/web-1$", "name=1$", "id=web", "label=a", "exited=3"] {
            #expect(try filter(match).matches(record), "\(match)")
        }
        for other in ["name=db", "name=^eb", "name=^web$", "id=eb", "label=b", "exited=0"] {
            #expect(try !filter(other).matches(record), "\(other)")
        }
        #expect(try filter("name=db", "name=web").matches(record))
        #expect(try !filter("name=web", "id=db").matches(record))
    }

    @Test(arguments: [("ancestor=nginx", "no images"), ("status=dead2", "running"), ("nothing=1", "name=PART")])
    func otherFilters(_ text: String, _ words: String) {
        let error = #expect(throws: ValidationError.self) { try filter(text) }
        #expect(error?.message.contains(words) == true)
    }

    private func row(_ id: String, created: Int64, _ state: String = "running", _ command: String = "") throws
        -> ContainerRow
    {
        let at = try #require(Timestamp(seconds: created, nanoseconds: 0))
        return ContainerRow(
            record: ["id": .string(id), "state": .string(state), "created_at": .timestamp(at)], command: command)
    }

    @Test func theOrder() throws {
        let rows = [
            try row("b", created: 1, "stopped", "z"), try row("c", created: 3, "created", "a"),
            try row("a", created: 1),
        ]
        #expect(ContainerSort.created.sorted(rows).map(\.id) == ["c", "a", "b"])
        #expect(ContainerSort.name.sorted(rows).map(\.id) == ["a", "b", "c"])
        #expect(ContainerSort.state.sorted(rows).map(\.id) == ["c", "a", "b"])
        #expect(ContainerSort.command.sorted(rows).map(\.id) == ["a", "c", "b"])
        #expect(ContainerSort(argument: "names") == .name)
        #expect(ContainerSort(argument: "size") == nil)
    }

    @Test func aCommandAsItWouldBeTyped() {
        #expect(ContainerRow.command(["args": ["/bin/sh", "-c", "echo it's"]]) == #"/bin/sh -c 'echo it'\''s'"#)
        #expect(ContainerRow.command(["args": ["a", ""], "commandLine": "a.exe /x"]) == "a.exe /x")
        #expect(ContainerRow.command(nil) == "")
    }
}
