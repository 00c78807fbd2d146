import ContainerDriver
import ContainerModel
import Testing

@testable import HostComputeDriver

/// Processes that are looked for: their ids were never learnt, or stand for others by now.
extension OpeningTests {
    private static func secondsAgo(_ seconds: Int64) -> Timestamp? {
        Timestamp(seconds: Timestamp.now.seconds - seconds, nanoseconds: 0)
    }

    @Test func anIdThatStandsForAnotherProcessByNow() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: Self.owner), "exec sleep 1000")
        }
        // Created an hour after the record's process was started: not that one.
        let opened = try driver.open(id, [known(pid, startedAt: Self.secondsAgo(3600))])
        #expect(opened.pids.isEmpty)
        #expect(events.exit(id)?.reason == .lost)
        try driver.discard(id)
        #expect(events.exits.count == 1)
    }

    @Test func aClockThatWasSetALittle() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: Self.owner), "exec sleep 1000")
        }
        #expect(try driver.open(id, [known(pid, startedAt: Self.secondsAgo(60))]).pids == [.initial: pid])
        try driver.discard(id)
    }

    @Test func processesWhoseIdsWereNeverLearnt() throws {
        let id = try EmulatedHost.id()
        let (pid, execPid) = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            return (try worker.shell(system, "sleep 1000 & wait"), try worker.shell(system, "exec sleep 1000"))
        }
        let opened = try driver.open(id, [known(exec, nil, startedAt: .now), known(nil)])
        #expect(opened.pids == [.initial: pid, exec: execPid])
        #expect(try driver.processes(id).first?.pid == pid)
        try driver.signal(id, exec, .name("KILL"))
        #expect(events.exit(id, exec)?.code == 137)
        try driver.discard(id)
        #expect(events.exits.count == 2)
    }

    @Test func oneThatEndedBeforeItsIdWasKept() throws {
        let id = try EmulatedHost.id()
        let (pid, execPid) = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            return (try worker.shell(system, "exec sleep 1000"), try worker.shellThatEnds(system, "echo out; exit 9"))
        }
        let opened = try driver.open(id, [known(pid), known(exec, nil, startedAt: .now, output)])
        #expect(opened.pids == [.initial: pid, exec: execPid])
        #expect(events.exit(id, exec)?.code == 9)
        #expect(output.text() == "out\n")
        try driver.discard(id)
    }

    @Test func oneThatWasNeverStarted() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            // Descendants are listed too, and are nobody's.
            return try worker.shell(system, "sleep 1000 & wait")
        }
        let opened = try driver.open(id, [known(pid), known(exec, nil, startedAt: .now)])
        #expect(opened.processes == [.initial: .found(pid: pid), exec: .neverCreated])
        #expect(events.exits.isEmpty)
        try driver.discard(id)
        #expect(events.exits.map(\.process) == [.initial])
    }

    @Test func twoThatMayBeTheOne() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            let pid = try worker.shell(system, "exec sleep 1000")
            for _ in 0..<2 { _ = try worker.shell(system, "exec sleep 1000") }
            return pid
        }
        let opened = try driver.open(id, [known(pid), known(exec, nil)])
        #expect(opened.processes == [.initial: .found(pid: pid), exec: .unknown])
        try driver.discard(id)
        #expect(events.exits.map(\.process) == [.initial])
    }

    @Test func onlyWhatBeganAfterItWasAskedFor() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            let pid = try worker.shell(system, "exec sleep 1000")
            _ = try worker.shell(system, "exec sleep 1000")
            return pid
        }
        let later = Timestamp(seconds: Timestamp.now.seconds + 30, nanoseconds: 0)
        #expect(try driver.open(id, [known(pid), known(exec, nil, startedAt: later)]).pids == [.initial: pid])
        try driver.discard(id)
    }

    // MARK: What an earlier worker died over

    /// It died between the start of the compute system and that of its first process.
    @Test func aFirstProcessThatWasNeverCreatedIsCreated() throws {
        let id = try EmulatedHost.id()
        try earlier { worker in _ = try worker.create(id, owner: Self.owner) }
        let opened = try driver.open(id, [known(nil, startedAt: .now)])
        #expect(opened.state == .running && opened.processes == [.initial: .neverCreated])
        let input = try driver.start(
            id, EmulatedHost.shell("read x; echo $x"), stdin: true, output: output
        ).stdin
        #expect(throws: DriverFailure.self) {
            try driver.start(id, EmulatedHost.shell("true"), stdin: false, output: output)
        }
        _ = try input.write("once\n")
        #expect(events.exit(id)?.code == 0)
        #expect(output.text() == "once\n")
        try driver.discard(id)
        #expect(events.exits.count == 1)
    }

    @Test func aFirstProcessThatEndedBeforeItsIdWasKeptIsFound() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shellThatEnds(try worker.create(id, owner: Self.owner), "echo out; exit 7")
        }
        #expect(try driver.open(id, [known(nil, startedAt: .now, output)]).processes == [.initial: .found(pid: pid)])
        #expect(events.exit(id)?.code == 7)
        #expect(output.text() == "out\n")
        #expect(throws: DriverFailure.self) {
            try driver.start(id, EmulatedHost.shell("true"), stdin: false, output: output)
        }
        try driver.discard(id)
    }

    /// Those that ended before are none of it, however short their time was.
    @Test func anExecAmongManyThatEndedIsFoundOrWasNeverCreated() throws {
        let id = try EmulatedHost.id()
        let (pid, ended) = try earlier { worker in
            let system = try worker.create(id, owner: Self.owner)
            let pid = try worker.shell(system, "exec sleep 1000")
            return (pid, Set(try (0..<50).map { _ in try worker.shellThatEnds(system, "exit 9") }))
        }
        let record = [known(pid), known(exec, nil, startedAt: .now, output)]
        #expect(try driver.open(id, record, ended: ended).processes[exec] == .neverCreated)
        let one = try #require(ended.first)
        #expect(try driver.open(id, record, ended: ended.subtracting([one])).processes[exec] == .found(pid: one))
        #expect(events.exit(id, exec)?.code == 9)
        try driver.discard(id)
    }

    @Test func oneThatIsLookedForWithoutATimeMayHaveBeen() throws {
        let id = try EmulatedHost.id()
        let pid = try earlier { worker in
            try worker.shell(try worker.create(id, owner: Self.owner), "exec sleep 1000")
        }
        #expect(try driver.open(id, [known(pid), known(exec, nil)]).processes[exec] == .unknown)
        try driver.discard(id)
    }
}
