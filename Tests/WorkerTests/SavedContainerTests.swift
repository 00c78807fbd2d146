import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack
import Testing

@testable import Worker

/// The record of a container, from one worker to the next.
struct SavedContainerTests {
    private static let at = Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789) ?? .epoch
    private static let exit = Exit(code: 9, reason: .signalled, at: at, observedBy: .poll)

    private func saved(_ phase: ContainerState.Phase = .running) throws -> SavedContainer {
        var facts = ContainerRecord(id: try #require(ContainerID("web")), createdAt: SavedContainerTests.at)
        facts.labels = ["app": "shop", "ä": ""]
        facts.imageLayers = ["/a", "/b"]
        facts.ignored = ["linux"]
        facts.isolation = "none"
        return SavedContainer(facts: facts, state: try ContainerStateTests.state(phase))
    }

    /// As the next worker reads it.
    private func read(_ saved: SavedContainer) throws -> SavedContainer {
        let writer = Writer()
        saved.encode(to: writer)
        let value = try Reader().value(writer.bytes)
        let read = try #require(SavedContainer(value))
        // Written again it is the same.
        let again = Writer()
        read.encode(to: again)
        #expect(again.bytes == writer.bytes)
        return read
    }

    @Test(arguments: ContainerState.Phase.allCases) func everyPhaseIsReadAsItWasWritten(_ phase: ContainerState.Phase)
        throws
    {
        let saved = try saved(phase)
        let read = try read(saved)
        #expect(read.state == saved.state)
        #expect(read.facts == saved.facts)
        #expect(
            read.failure == nil && read.creation == nil && read.command == nil && read.cause == nil
                && read.stopGrace == nil)
        #expect(read.known == KnownContainer() && read.terminals.isEmpty)
    }

    @Test func everythingThatTheStateKnowsIsKept() throws {
        var saved = try saved()
        saved.state.isStopping = true
        saved.state.isDeletedOnceDown = true
        saved.state.isUpdatePending = true
        saved.state.isDiscardedForFailedStart = true
        saved.state.exit = .unknown(reason: .startFailed, at: SavedContainerTests.at, observedBy: .restore)
        saved.state.seenExit = SavedContainerTests.exit
        saved.state.replaced = [3, 4]
        saved.state.beginning = ContainerState.Beginning(name: ContainerStateTests.name)
        var ended = ContainerRecord.Process(pid: 8)
        ended.state = .stopped
        ended.exit = SavedContainerTests.exit
        saved.state.processes = [ContainerStateTests.name: ended]
        // The record on the wire has the processes, and they are kept once.
        saved.facts.processes = saved.state.processes
        #expect(try read(saved).state == saved.state)
    }

    @Test func whatItIsMadeOfIsKeptUntilItRuns() throws {
        var saved = try saved(.created)
        let source: Value = ["process": ["args": ["/bin/true", ""], "env": [], "terminal": true], "x": nil]
        saved.creation = SavedContainer.Creation(source: source, start: true, stdin: true)
        saved.known.canPause = false
        saved.known.directory = "/srv"
        saved.known.isServicing = true
        saved.terminals = [.initial]
        saved.stopGrace = .milliseconds(1500)
        saved.cause = Cause(requestID: "r", traceparent: "t")
        saved.failure = Failure(.permissionDenied, "no", retryable: true, details: ["hresult": 5])
        let read = try read(saved)
        #expect(read.creation?.source == source && read.creation?.start == true && read.creation?.stdin == true)
        #expect(read.known == saved.known && read.terminals == saved.terminals && read.stopGrace == saved.stopGrace)
        #expect(read.failure == saved.failure)
        #expect(read.cause?.requestID == "r" && read.cause?.traceparent == "t")
    }

    @Test(arguments: ["create", "start", "exec", "pause", "resume", "restore", "update", "delete"])
    func everyCommandIsReadAsItWasWritten(_ method: String) throws {
        for isFull in [false, true] {
            var saved = try saved()
            var command = SavedContainer.Command(method: method, at: SavedContainerTests.at)
            if isFull {
                command.request = RequestKey(principal: "me", id: "r")
                command.requestID = "r"
                command.traceparent = "t"
                command.process = ContainerStateTests.name
                command.ignored = ["a", "b"]
                command.force = true
            }
            saved.command = command
            let read = try #require(try read(saved).command)
            #expect(read.method == method && read.at == SavedContainerTests.at)
            #expect(read.request == command.request && read.requestID == command.requestID)
            #expect(read.traceparent == command.traceparent && read.process == command.process)
            #expect(read.ignored == command.ignored && read.force == command.force)
        }
    }

    @Test func aContainerOfManyProcessesIsReadAgain() throws {
        var saved = try saved()
        for number in 0..<ContainerState.rememberedProcesses {
            let name = try #require(ProcessName("process-\(number)"))
            saved.state.processes[name] = ContainerRecord.Process(pid: UInt32(number))
        }
        saved.facts.processes = saved.state.processes
        #expect(try read(saved).state.processes == saved.state.processes)
    }

    @Test func whatIsNoRecordIsNotGuessedAt() throws {
        let writer = Writer()
        try saved().encode(to: writer)
        var whole = try #require(try Reader().value(writer.bytes).map)
        #expect(SavedContainer(.map(whole)) != nil)
        for value: Value in [nil, 1, "x", [], [:], ["version": 1]] { #expect(SavedContainer(value) == nil, "\(value)") }
        for (key, wrong): (String, Value) in [
            ("version", 2), ("version", "1"), ("facts", [:]), ("facts", nil), ("state", [:]),
            ("state", ["phase": "odd"]),
        ] {
            let right = whole[key]
            whole[key] = wrong
            #expect(SavedContainer(.map(whole)) == nil, "\(key): \(wrong)")
            whole[key] = right
        }
        for key in ["version", "facts", "state"] {
            let right = whole.removeValue(forKey: key)
            #expect(SavedContainer(.map(whole)) == nil, "without \(key)")
            whole[key] = right
        }
    }
}
