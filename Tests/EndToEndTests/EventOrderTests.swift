import ContainerModel
import ContainerProtocol
import HostComputeEmulator
import MessagePack
import Testing

/// The event-order table of the protocol, a test per row, and the numbers.
struct EventOrderTests {
    @Test func createStartExecExecExitExitDelete() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, "read line; exit 3", stdin: true)
            _ = try await worker.client.call(
                .exec, ["id": .string(id.rawValue), "process": "p", "spec": ["args": ["/bin/sh", "-c", "exit 5"]]])
            let exec = try #require(ProcessName("p"))
            #expect(try await worker.client.wait(id, exec).code == 5)
            _ = try await worker.client.call(
                .stdin, ["id": .string(id.rawValue), "data": .binary(Array("x\n".utf8)), "eof": true])
            #expect(try await worker.client.wait(id).code == 3)
            try await worker.client.delete(id)
            try await worker.collector.next("delete", id)
            #expect(
                await worker.collector.types(id) == ["create", "start", "exec", "exec_exit", "exit", "delete"])
        }
    }

    @Test func startComesBeforeExitWhenTheProcessEndsAtOnce() async throws {
        try await TestWorker.run { worker in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        let id = try uniqueID()
                        try await worker.shell(id, ":")
                        _ = try await worker.client.wait(id)
                        try await worker.client.delete(id)
                    }
                }
                try await group.waitForAll()
            }
            let last = try uniqueID("last")
            try await worker.shell(last, ":")
            try await worker.collector.next("exit", last)
            let events = await worker.collector.events
            for (id, own) in Dictionary(grouping: events.filter { $0.id != nil }, by: { $0.id ?? "" })
            where id != last.rawValue {
                #expect(own.map(\.type) == ["create", "start", "exit", "delete"], "\(id)")
            }
            // Numbers rise by exactly one, whatever ran beside what.
            let numbers = events.compactMap(\.seq)
            #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $1 == $0 + 1 })
        }
    }

    @Test func anExitThatTheServiceTellsBeforeStartReturnsComesAfterStart() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            // The process has long ended when the call that made it comes back.
            let stall = HostComputeEmulator.faults.stall(.createProcess, id: id.rawValue)
            async let created = worker.shell(id, "exit 7")
            await stall.reached()
            stall.release()
            _ = try await created
            try await worker.collector.next("exit", id)
            #expect(await worker.collector.types(id) == ["create", "start", "exit"])
            #expect(try await worker.client.wait(id).code == 7)
        }
    }

    @Test func everyExecExitComesBeforeTheContainersExit() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, "read line", stdin: true)
            for number in 0..<5 {
                _ = try await worker.client.call(
                    .exec,
                    [
                        "id": .string(id.rawValue), "process": .string("p\(number)"),
                        "spec": ["args": ["/bin/sleep", "1000"]],
                    ])
            }
            _ = try await worker.client.call(.stdin, ["id": .string(id.rawValue), "data": .binary([]), "eof": true])
            try await worker.collector.next("exit", id)
            let types = await worker.collector.types(id)
            #expect(types.count { $0 == "exec_exit" } == 5 && types.last == "exit")
        }
    }

    @Test func allOutputIsThereAtTheExit() async throws {
        try await TestWorker.run { worker in
            for _ in 0..<10 {
                let id = try uniqueID()
                try await worker.shell(id, "seq 20000; echo end")
                let exit = try await worker.collector.next("exit", id)
                #expect(exit.body["exit"]?["code"] == 0)
                // No waiting here: at the exit the last line has been spooled.
                let logs = try await worker.client.call(
                    .logs, ["id": .string(id.rawValue), "from": 108_894, "limit": 100])
                #expect(logs["eof"] == true && logs["chunks"]?.array?.first?["data"] == .binary(Array("end\n".utf8)))
                #expect(try await worker.output(id).hasSuffix("20000\nend\n"))
            }
        }
    }

    @Test func replayTellsWhatWasPublished() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, ":")
            try await worker.collector.next("exit", id)
            let page = try await worker.client.call(.events, ["after": 0, "ids": [.string(id.rawValue)]])
            let published = await worker.collector.events.filter { $0.id == id.rawValue }.map(\.body)
            #expect(page["events"]?.array == published && published.count == 3)
        }
    }
}
