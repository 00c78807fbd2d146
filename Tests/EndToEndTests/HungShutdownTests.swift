import ContainerModel
import ContainerProtocol
import Foundation
import HostComputeEmulator
import MessagePack
import Testing
import Worker
import WorkerClient

/// A service that hangs while a container goes down, or while it is asked, keeps nobody from the truth.
struct HungShutdownTests {
    @Test func anExitIsToldThoughTheShutdownHangs() async throws {
        try await TestWorker.run {
            $0.times.watchdog = .milliseconds(30)
        } _: { worker in
            let id = try uniqueID("down")
            let stall = HostComputeEmulator.faults.stall(.shutdownComputeSystem, id: id.rawValue)
            defer { stall.release() }
            try await worker.shell(id, "exit 3")
            #expect(try await worker.client.wait(id).code == 3)
            try await worker.collector.next("exit", id)
            #expect(await worker.collector.types(id).filter { $0 == "exit" } == ["exit"])
        }
    }

    @Test func forceEndsAContainerWhoseShutdownHangs() async throws {
        try await TestWorker.run { worker in
            for force in [false, true] {
                let id = try uniqueID("down")
                let stall = HostComputeEmulator.faults.stall(.shutdownComputeSystem, id: id.rawValue)
                try await worker.shell(id, "exit 3")
                await stall.reached()
                async let ended: Void = {
                    if force {
                        try await worker.client.delete(id, force: true)
                    } else {
                        _ = try await worker.client.stop(id, grace: .zero)
                    }
                }()
                // The end by force is called for beside the hung call; when that comes back, the exit is told.
                stall.release()
                try await ended
                try await worker.collector.next("exit", id)
            }
        }
    }

    @Test func questionsThatHangAreBoundedAndHoldUpNobodyElse() async throws {
        try await TestWorker.run {
            $0.limits.driverCalls = 4
        } _: { worker in
            let id = try uniqueID("asked")
            try await worker.shell(id, "read line", stdin: true)
            let stall = HostComputeEmulator.faults.stall(.getComputeSystemProperties, id: id.rawValue)
            let asked = (0..<100).map { _ in
                Task { try await worker.client.call(.stats, ["id": .string(id.rawValue)], repeats: false) }
            }
            await stall.reached()
            let other = try uniqueID("other")
            try await worker.shell(other, "exit 4")
            #expect(try await worker.client.wait(other).code == 4)
            stall.release()
            var refused = 0
            for task in asked {
                do { _ = try await task.value } catch let failure as Failure {
                    #expect(failure.code == .resourceExhausted)
                    refused += 1
                }
            }
            #expect(refused == 100 - 65, "one is made and 64 wait")
        }
    }

    @Test func aDeadlineThatPassesBeforeAdmissionIsNeverRun() async throws {
        try await TestWorker.run {
            $0.limits.creations = 1
        } _: { worker in
            let first = try uniqueID("first")
            let stall = HostComputeEmulator.faults.stall(.createComputeSystem, id: first.rawValue)
            async let created = worker.shell(first, "exit 0")
            await stall.reached()
            let second = try uniqueID("second")
            let late = try await #require(throws: Failure.self) {
                _ = try await worker.client.call(
                    .create, ["id": .string(second.rawValue), "spec": ["process": ["args": ["/bin/true"]]]],
                    timeout: .milliseconds(20))
            }
            #expect(late.code == .deadlineExceeded && late.details["pending"] == nil)
            stall.release()
            _ = try await created
            try await worker.collector.next("exit", first)
            #expect(await worker.collector.types(second) == [])
            try await worker.shell(second, "exit 2")
            #expect(try await worker.client.wait(second).code == 2)
        }
    }

    @Test func aStopDuringTheStartIsDueWhenItRuns() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("starting")
            let stall = HostComputeEmulator.faults.stall(.createProcess, id: id.rawValue)
            async let created = worker.shell(id, "trap 'exit 9' TERM; while :; do sleep 0.01; done")
            await stall.reached()
            async let stopped = worker.client.stop(id, grace: .seconds(60))
            // The stop is there when the state says so; nothing else tells.
            while try await worker.client.call(.ping)["time"] == nil {}
            stall.release()
            _ = try await created
            let exit = try await stopped
            #expect(exit.code == 9 || exit.code == 143)
        }
    }

    @Test func anExecThatFailsKeepsTheOutputOfItsNamesake() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID()
            try await worker.shell(id, "read line", stdin: true)
            let name = try #require(ProcessName("p"))
            func exec(_ program: String...) async throws {
                _ = try await worker.client.call(
                    .exec,
                    [
                        "id": .string(id.rawValue), "process": "p",
                        "spec": ["args": .array(program.map { .string($0) })],
                    ])
            }
            try await exec("/bin/echo", "first")
            #expect(try await worker.client.wait(id, name).code == 0)
            await #expect(throws: Failure.self) { try await exec("/no/such/program") }
            #expect(try await worker.output(id, name) == "first\n")
            try await exec("/bin/echo", "second")
            #expect(try await worker.client.wait(id, name).code == 0)
            #expect(try await worker.output(id, name) == "second\n")
        }
    }

    @Test func aWorkerThatStopsAnswersEveryoneAndLeavesNothingRunning() async throws {
        var pid: UInt32 = 0
        var waiting: Task<Value, any Error>?
        var hanging: Task<Value, any Error>?
        var stall: Stall?
        try await TestWorker.run {
            $0.times.stop = .seconds(3)
        } _: { worker in
            let id = try uniqueID("left")
            pid = try #require(try await worker.shell(id, "exec sleep 1000").pid)
            let hung = HostComputeEmulator.faults.stall(.createProcess, id: id.rawValue)
            stall = hung
            let client = try WorkerClient(worker.endpoints.commands[0])
            waiting = Task { try await client.call(.wait, ["id": .string(id.rawValue)], repeats: false) }
            hanging = Task {
                try await client.call(
                    .exec, ["id": .string(id.rawValue), "process": "p", "spec": ["args": ["/bin/true"]]],
                    repeats: false)
            }
            await hung.reached()
        }
        // The worker has ended, past the call that hangs: its container with it, and everyone has an answer.
        #expect(kill(pid_t(pid), 0) != 0)
        _ = try? await waiting?.value
        await #expect(throws: (any Error).self) { try await hanging?.value }
        stall?.release()
    }

    @Test func resizesKeepTheirOrder() async throws {
        try await TestWorker.run { worker in
            let id = try uniqueID("sizes")
            try await worker.client.create(
                id, ["process": ["args": ["/bin/sh", "-c", "read line; stty size"], "terminal": true]], stdin: true)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for width in 100..<140 {
                    group.addTask {
                        _ = try await worker.client.call(
                            .resize, ["id": .string(id.rawValue), "width": .int(width), "height": 10])
                    }
                    // One after another is sent; they are all under way at a time.
                    await Task.yield()
                }
                try await group.waitForAll()
            }
            _ = try await worker.client.call(.resize, ["id": .string(id.rawValue), "width": 77, "height": 10])
            _ = try await worker.client.call(.stdin, ["id": .string(id.rawValue), "data": .binary([10])])
            #expect(try await worker.output(id).contains("10 77"))
        }
    }

    @Test func theLargestSequenceNumberIsAnAnswer() async throws {
        try await TestWorker.run { worker in
            let page = try await worker.client.call(.events, ["after": .unsigned(.max)])
            #expect(page["events"] == [])
            for method in [Method.logs, .attach] {
                let id = try uniqueID()
                try await worker.shell(id, "echo x")
                let key = method == .logs ? "limit" : "credit"
                _ = try await worker.client.call(
                    method, ["id": .string(id.rawValue), "from": .unsigned(.max), "\(key)": 1])
            }
        }
    }

    @Test func aStopIsTheLastThatCollectorsHear() async throws {
        for _ in 0..<10 {
            var stream: EventStream?
            try await TestWorker.run { worker in
                let new = try await EventStream(worker.endpoints.events, topics: ["worker_stop/"])
                stream = new
                for await event in new.events where event.type == "welcome" { break }
            }
            var iterator = try #require(stream).events.makeAsyncIterator()
            #expect(await iterator.next()?.type == "worker_stop")
        }
    }
}
