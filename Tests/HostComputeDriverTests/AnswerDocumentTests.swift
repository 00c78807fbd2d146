import Foundation
import Testing

@testable import HostComputeDriver

@Suite struct AnswerDocumentTests {
    private func read(_ text: String) -> ContainerProperties? { AnswerDocument.read(ContainerProperties.self, text) }

    private func memory(_ number: String) throws -> StatisticsProperties.Memory? {
        let text = "{\"Statistics\":{\"Memory\":{\"MemoryUsageCommitBytes\":\(number)}}}"
        return try #require(read(text)).statistics?.memory
    }

    @Test func text() throws {
        let properties = try #require(
            read(#" {"Id":"x\n\u00e9\ud83d\ude00\\\/\"","Owner":"é😀","Other":[1,-2.5e3,{"Id":null}],"Stopped":true} "#))
        #expect(properties.id == "x\né😀\\/\"")
        #expect(properties.owner == "é😀")
        #expect(properties.stopped == true)
    }

    @Test func aFieldThatCannotBeReadIsAbsent() throws {
        let properties = try #require(
            read(
                #"{"Id":5,"Owner":null,"State":"\ud800","Stopped":"yes","AreUpdatesPending":1,"Statistics":[],"#
                    + #""RuntimeImagePath":"C:\\vm","ProcessList":[null,7,{"ProcessId":-1},{"ProcessId":4294967296},"#
                    + #"{"ProcessId":1,"ImageName":[],"UserTime100ns":"2","MemoryCommitBytes":3}]}"#))
        #expect(properties.id == nil && properties.owner == nil && properties.state == nil)
        #expect(properties.stopped == nil && properties.areUpdatesPending == nil && properties.statistics == nil)
        #expect(properties.runtimeImagePath == #"C:\vm"#)
        let list = PropertyDocuments.processes(properties)
        #expect(list.map(\.pid) == [1])
        #expect(list.first?.image == "" && list.first?.userTime == 0 && list.first?.memoryCommit == 3)
        #expect(PropertyDocuments.processes(try #require(read(#"{"ProcessList":{}}"#))).isEmpty)
    }

    @Test func numbers() throws {
        #expect(try memory("18446744073709551615")?.commit == .max)
        #expect(try memory("0")?.commit == 0)
        for number in ["18446744073709551616", "-1", "1e400", "0.5", "\"1\"", String(repeating: "9", count: 10_000)] {
            let memory = try #require(try memory(number))
            #expect(memory.commit == nil, "\(number)")
        }
    }

    @Test func ticksThatOverflow() throws {
        let text = #"{"Statistics":{"Uptime100ns":18446744073709551615}}"#
        #expect(PropertyDocuments.statistics(try #require(read(text)), readAt: .epoch).uptime == .max)
    }

    @Test(arguments: [
        "", "{", "}", "[]", "[1,]", "5", "null", "\"text\"", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":nul}",
        "{\"a\":truex}",
        "{} {}", "{}x", "{\"a\":[1 2]}", "{\"Id\":\"open", "nonsense",
    ])
    func noDocument(text: String) {
        #expect(read(text) == nil)
    }

    @Test func aKeyThatComesTwiceIsOneOfBoth() throws {
        #expect(["a", "b"].contains(try #require(read(#"{"Id":"a","Id":"b"}"#)).id))
    }

    @Test func elementsThatAreNoObjectsAreLeftOut() throws {
        let systems = try #require(
            AnswerDocument.read([Lenient<ContainerProperties>].self, #"[{"Id":"a"},5,null,"x",[],{"Id":"b"}]"#))
        #expect(systems.compactMap { $0.wrappedValue?.id } == ["a", "b"])
    }

    /// On a stack as small as those that notifications come on.
    @Test func depth() async {
        let deep = String(repeating: "[", count: 100_000)
        let objects = String(repeating: #"{"Statistics":"#, count: 100_000)
        let closed =
            #"{"Id":"a","Other":"# + String(repeating: "[", count: 500) + String(repeating: "]", count: 500) + "}"
        let read = await withCheckedContinuation { continuation in
            let thread = Thread {
                let documents = [deep, "{\"Other\":" + deep, objects, closed].map {
                    AnswerDocument.read(ContainerProperties.self, $0)
                }
                continuation.resume(returning: documents.map { $0?.id })
            }
            thread.stackSize = 512 * 1024
            thread.start()
        }
        #expect(read == [nil, nil, nil, "a"])
    }
}
