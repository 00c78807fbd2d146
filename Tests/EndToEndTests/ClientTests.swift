import ContainerProtocol
import MessagePack
import Testing
import WorkerClient

/// The client library against a real worker.
struct ClientTests {
    @Test func outputBeyondTheCreditWindowComesWhole() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            let bytes = 3 * OutputPiece.window
            try await worker.shell(id, "head -c \(bytes) /dev/zero")
            #expect(try await worker.output(id).utf8.count == bytes)
        }
    }

    @Test func aTerminalIsOneStreamWithASize() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.client.create(
                id,
                [
                    "process": [
                        "args": [
                            "/bin/sh", "-c", "stty size; trap 'stty size; exit 0' WINCH; echo ready >&2; read line",
                        ],
                        "terminal": true, "consoleSize": ["width": 100, "height": 30],
                    ]
                ], stdin: true)
            var text = ""
            for try await piece in try await worker.client.output(of: id) {
                #expect(piece.stream == .stdout)
                text += String(decoding: piece.data, as: UTF8.self)
                if text.contains("ready"), !text.contains("20 77") {
                    _ = try await worker.client.call(.resize, ["id": .string(id.rawValue), "width": 77, "height": 20])
                }
            }
            #expect(text.contains("30 100") && text.contains("20 77"))
        }
    }

    @Test func manyCallsAtATimeGetTheirOwnAnswers() async throws {
        try await TestWorker.run { worker in
            let ids = try (0..<50).map { _ in try uniqueID() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, id) in ids.enumerated() {
                    group.addTask {
                        try await worker.shell(id, "exit \(number)")
                        #expect(try await worker.client.wait(id).code == UInt32(number))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aWorkerThatIsNotThereIsADeadline() async throws {
        let client = try WorkerClient("tcp://127.0.0.1:1")
        let error = try await #require(throws: Failure.self) {
            _ = try await client.call(.ping, timeout: .milliseconds(1))
        }
        #expect(error.code == .unavailable && error.message.contains("tcp://127.0.0.1:1"))
        await client.close()
    }

    @Test func cancellationEndsAWaitAndNothingElse() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, "read line; exit 1", stdin: true)
            let wait = Task { try await worker.client.wait(id) }
            wait.cancel()
            await #expect(throws: Failure(.cancelled, "interrupted")) { try await wait.value }
            _ = try await worker.client.call(.stdin, ["id": .string(id.rawValue), "data": .binary([]), "eof": true])
            #expect(try await worker.client.wait(id).code == 1)
        }
    }

    @Test func closingEndsEveryCall() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, "read line", stdin: true)
            let client = try WorkerClient(worker.endpoints.commands[0])
            let wait = Task { try await client.wait(id) }
            _ = try await client.call(.ping)
            await client.close()
            let error = try await #require(throws: Failure.self) { _ = try await wait.value }
            #expect(error.code == .cancelled)
        }
    }

    @Test func twoHostsServeOneSchedulerAndOneCollector() async throws {
        try await TestWorker.run(host: "one") { one in
            try await TestWorker.run(host: "two") { two in
                let collector = try await Collector(one.endpoints.events + two.endpoints.events)
                for worker in [one, two] {
                    let id = try uniqueID()
                    try await worker.shell(id, "exit 6")
                    let exit = try await collector.next("exit", id)
                    #expect(exit.body["exit"]?["code"] == 6)
                }
                #expect(Set(await collector.events.map(\.host)) == ["one", "two"])
            }
        }
    }
}
