import CHostCompute
import ContainerDriver
import ContainerModel
import Testing

@testable import HostComputeDriver

/// What only a service that obeys its test can show. One by one: a create goes to the service that was made last.
@Suite(.serialized) struct ScriptedTests {
    let service = ScriptedService()
    let events = EventRecorder()

    func driver(
        _ timeouts: Timeouts = .quick, version: String = "", _ change: (inout HostComputeTable) -> Void = { _ in }
    ) -> HostComputeDriver {
        let driver = HostComputeDriver(
            table: ScriptedService.table(change), name: "hcs", version: version, owner: "scripted", isolates: true,
            timeouts: timeouts)
        driver.connect(events)
        return driver
    }

    func specification() -> OCISpecification {
        var specification = OCISpecification()
        var windows = OCISpecification.Windows()
        windows.layerFolders = ["base", "scratch"]
        specification.windows = windows
        specification.root = .init(path: #"\\?\Volume{11111111-2222-3333-4444-555555555555}\"#)
        return specification
    }

    func started(_ driver: HostComputeDriver) throws -> ContainerID {
        let id = try EmulatedHost.id("scripted")
        _ = try driver.create(id, specification())
        #expect(try driver.start(id, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder()).pid == 11)
        return id
    }

    @Test func handlesCloseInOrder() throws {
        let driver = driver()
        let id = try started(driver)
        service.notifyProcess(HcsNotificationProcessExited)
        #expect(events.exit(id)?.code == 4)
        _ = try driver.shutDown(id)
        #expect(service.closed == ["unregister process", "close process", "unregister system", "close system"])
        // Late ones name nobody any more.
        service.notifyProcess(HcsNotificationProcessExited)
        service.notifySystem(HcsNotificationSystemExited)
        try driver.discard(id)
        #expect(events.exits.count == 1)
    }

    @Test func anExitBeforeItShows() throws {
        let driver = driver()
        let id = try started(driver)
        service.state.withLock { $0.properties = #"{"ProcessId":11,"Exited":false}"# }
        service.notifyProcess(HcsNotificationProcessExited)
        service.notifyProcess(HcsNotificationProcessExited)
        let exit = try #require(events.exit(id))
        #expect(!exit.known && exit.code == .max)
        #expect(events.exits.count == 1)
        _ = try driver.shutDown(id)
    }

    @Test func theSystemVanishes() throws {
        let driver = driver()
        let id = try started(driver)
        service.state.withLock { $0.properties = nil }
        service.notifySystem(HcsNotificationSystemExited, HcsResult(bitPattern: 0xC037_0106))
        let exit = try #require(events.exit(id))
        #expect(!exit.known && exit.reason == .exited && exit.observedBy == .poll)
        #expect(try driver.shutDown(id) == ShutDown(updatePending: false, forced: false))
        #expect(events.exits.count == 1)
    }

    @Test func theServiceGoesAway() throws {
        let driver = driver()
        let id = try started(driver)
        service.notifyProcess(HcsNotificationServiceDisconnect)
        service.notifySystem(HcsNotificationServiceDisconnect)
        #expect(events.waitForDisconnect())
        let failure = try #require(throws: DriverFailure.self) { try driver.shutDown(id) }
        #expect(failure.code == .unavailable && failure.retryable)
        try driver.discard(id)
        #expect(events.disconnects == 1)
        #expect(events.exits.isEmpty)
    }

    @Test func openingAgainAfterTheServiceWentAway() throws {
        let driver = driver()
        let id = try started(driver)
        let exec = try #require(ProcessName("exec"))
        let started = try driver.startProcess(
            id, exec, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder())
        #expect(started.pid == 12)
        service.notifySystem(HcsNotificationServiceDisconnect)
        #expect(events.waitForDisconnect())
        service.state.withLock { $0.properties = #"{"Exited":false}"# }
        // Also those of which the caller has no record are found again.
        let opened = try driver.open(id, [])
        #expect(opened.isolation == .hyperV && opened.canPause)
        #expect(opened.state == .running && opened.pids == [.initial: 11])
        // The exec could not be found again, and nobody knows how it ended.
        let lost = try #require(events.exit(id, exec))
        #expect(!lost.known && lost.reason == .lost && lost.observedBy == .restore)
        service.state.withLock { $0.properties = #"{"Exited":true,"ExitCode":1,"LastWaitResult":0}"# }
        service.notifyProcess(HcsNotificationProcessExited)
        #expect(events.exit(id)?.code == 1)
        _ = try driver.shutDown(id)
        #expect(events.exits.count == 2)
    }

    @Test func aPendingCreateIsWokenByADisconnect() throws {
        let service = service
        service.state.withLock { $0.createAnswer = HcsResult(bitPattern: 0xC037_0103) }
        let driver = driver(.quick) { table in
            table.HcsRegisterComputeSystemCallback = { _, function, context, handle in
                // The service dies under the waiter.
                function?(UInt32(HcsNotificationServiceDisconnect), context, 0, nil)
                handle?.pointee = UnsafeMutableRawPointer(bitPattern: 1)
                return 0
            }
        }
        let id = try EmulatedHost.id("scripted")
        let failure = try #require(throws: DriverFailure.self) { try driver.create(id, self.specification()) }
        #expect(failure.code == .unavailable)
    }

    @Test func missingExports() throws {
        let driver = driver(.quick) { table in
            table.HcsSignalProcess = nil
            table.HcsPauseComputeSystem = nil
            table.HcsModifyComputeSystem = nil
            table.HcsGetComputeSystemProperties = nil
        }
        #expect(driver.capabilities.isDisjoint(with: [.signals, .pause, .updateResources]))
        let id = try started(driver)
        #expect(try #require(throws: DriverFailure.self) { try driver.statistics(id) }.code == .unimplemented)
        #expect(
            try #require(throws: DriverFailure.self) { try driver.signal(id, .initial, .name("INT")) }.code
                == .unimplemented)
        var resources = WindowsResources()
        resources.cpuShares = 7
        #expect(try driver.update(id, .windows(resources)).ignored == ["cpu.shares"])
        // A request to end becomes a kill, through a handle of its own.
        try driver.signal(id, .initial, .graceful)
        #expect(service.closed.contains("terminate system"))
        service.notifyProcess(HcsNotificationProcessExited)
        #expect(events.exit(id)?.reason == .terminated)
        try driver.discard(id)
    }

    @Test func noTableAtAll() throws {
        let table = UnsafeMutablePointer<HostComputeTable>.allocate(capacity: 1)
        table.initialize(to: HostComputeTable())
        let driver = HostComputeDriver(table: table, name: "hcs", version: "", owner: "o", isolates: true)
        #expect(try #require(throws: DriverFailure.self) { try driver.probe() }.code == .unimplemented)
        let id = try EmulatedHost.id("none")
        #expect(
            try #require(throws: DriverFailure.self) { try driver.create(id, self.specification()) }.code
                == .unimplemented)
        #expect(throws: DriverFailure.self) { try HostComputeDriver.forThisHost(owner: "o") }
    }

    @Test func signalledIsToldByTheCode() throws {
        let driver = driver(.quick) { $0.HcsSignalProcess = { _, _, _ in 0 } }
        let id = try started(driver)
        service.state.withLock { $0.properties = #"{"Exited":true,"ExitCode":3221225786,"LastWaitResult":0}"# }
        try driver.signal(id, .initial, .name("INT"))
        service.notifyProcess(HcsNotificationProcessExited)
        let exit = try #require(events.exit(id))
        #expect(exit.reason == .signalled && exit.code == 0xC000_013A)
        _ = try driver.shutDown(id)
    }

    @Test func aKillAfterTheExitChangesNothing() throws {
        let driver = driver()
        let id = try started(driver)
        service.notifyProcess(HcsNotificationProcessExited)
        try driver.terminate(id)
        #expect(events.exit(id)?.reason == .exited)
        try driver.discard(id)
    }

    @Test func textIsCheckedBeforeTheCall() throws {
        let driver = driver()
        var specification = specification()
        specification.windows?.layerFolders = ["a\0b", "scratch"]
        let id = try EmulatedHost.id("nul")
        let failure = try #require(throws: DriverFailure.self) { try driver.create(id, specification) }
        #expect(failure.code == .invalidArgument)
    }

    /// What has been changed is not told as ignored, and the same call again does only what is left.
    @Test func aNetworkChangeThatFailsHalfway() throws {
        let driver = driver()
        var specification = specification()
        specification.windows?.network = .init()
        specification.windows?.network?.endpointList = ["a"]
        let id = try EmulatedHost.id("scripted")
        _ = try driver.create(id, specification)
        service.state.withLock { $0.modifyAnswers = [0, HcsResult(bitPattern: 0x8007_0032)] }
        let change = OCIResources.windows(WindowsResources(), endpoints: ["b"])
        let failure = try #require(throws: DriverFailure.self) { try driver.update(id, change) }
        #expect(failure.code == .unimplemented && failure.operation == "HcsModifyComputeSystem")
        #expect(service.asked == ["modify", "modify"])
        #expect(try driver.update(id, change).applied == ["network.endpointList"])
        #expect(service.asked.count == 3)
        #expect(try driver.update(id, change).applied == ["network.endpointList"])
        #expect(service.asked.count == 3)
        try driver.discard(id)
    }

    /// What a failed completion brings along is as good as a call's own result document.
    @Test func aCompletionsDocumentIsTold() throws {
        let service = service
        service.state.withLock { $0.createAnswer = HcsResult(bitPattern: 0xC037_0103) }
        let driver = driver(.quick) { table in
            table.HcsRegisterComputeSystemCallback = { _, function, context, handle in
                let text = Array(#"{"ErrorEvents":[{"Message":"no layer","Provider":"p"}]}"#.utf16) + [0]
                function?(
                    UInt32(HcsNotificationSystemCreateCompleted), context, HcsResult(bitPattern: 0xC037_0112), text)
                handle?.pointee = UnsafeMutableRawPointer(bitPattern: 1)
                return 0
            }
        }
        let id = try EmulatedHost.id("scripted")
        let failure = try #require(throws: DriverFailure.self) { try driver.create(id, self.specification()) }
        #expect(failure.code == .invalidArgument && failure.driverMessage == "no layer")
        #expect(failure.errorEvents == [ErrorEvent(message: "no layer", provider: "p")])
    }

    /// F.11, 5: a process whose streams can't be had was left running without an owner.
    @Test func aProcessWhoseStreamsCannotBeHadIsEnded() throws {
        let driver = driver(.quick) { table in
            table.HcsCreateProcess = { system, _, information, process, _ in
                information?.pointee.ProcessId = 11
                // No open descriptor has this number.
                information?.pointee.StdOutput = UnsafeMutableRawPointer(bitPattern: 1 << 30)
                process?.pointee = system
                return 0
            }
        }
        let id = try EmulatedHost.id("scripted")
        _ = try driver.create(id, specification())
        #expect(throws: DriverFailure.self) {
            try driver.start(id, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder())
        }
        // The system is there until the worker discards it: it may die before it has noted the failure.
        #expect(service.closed == ["terminate process", "close process"])
        try driver.discard(id)
        #expect(service.closed.contains("terminate system") && service.closed.suffix(1) == ["close system"])
        #expect(events.exits.isEmpty)
    }

    /// I.2, 16: the end of a system that is being created ends the wait for it, and leaves nothing.
    @Test func theSystemEndsWhileItIsCreated() throws {
        let service = service
        service.state.withLock { $0.createAnswer = HcsResult(bitPattern: 0xC037_0103) }
        let driver = driver(.quick) { table in
            table.HcsRegisterComputeSystemCallback = { system, function, context, handle in
                function?(UInt32(HcsNotificationSystemExited), context, HcsResult(bitPattern: 0xC037_0106), nil)
                handle?.pointee = system
                return 0
            }
        }
        let id = try EmulatedHost.id("scripted")
        let failure = try #require(throws: DriverFailure.self) { try driver.create(id, self.specification()) }
        #expect(failure.code == .aborted && failure.operation == "HcsCreateComputeSystem")
        #expect(service.closed.contains("close system"))
        #expect(try #require(throws: DriverFailure.self) { try driver.statistics(id) }.code == .notFound)
    }

    /// Types with flags, and the newer library's types that look like flagged ones (HostComputeService A.5, A.8).
    @Test func aTypeWithFlags() throws {
        let driver = driver()
        let id = try started(driver)
        // GroupOperationInfo, GroupVmLifecycle and GroupLiveMigration are no exit and no completion.
        for type in [0xC000_0001, 0x8000_0002, 0x8000_0003, 0x8000_0001] { service.notifySystem(type) }
        #expect(driver.systems.withLock { $0[id] }?.withState { $0.exited } == .some(nil))
        service.notifySystem(0x8000_0001, HcsResult(bitPattern: 0xC037_0106))
        #expect(events.exit(id)?.observedBy == .poll)
        #expect(driver.systems.withLock { $0[id] }?.withState { $0.exited } == HcsResult(bitPattern: 0xC037_0106))
        try driver.discard(id)
        let other = try startedAgain(driver)
        service.notifyProcess(0x1001_0000)
        #expect(events.exit(other)?.observedBy == .driver)
        try driver.discard(other)
    }

    private func startedAgain(_ driver: HostComputeDriver) throws -> ContainerID {
        service.state.withLock { $0.nextPid = 11 }
        return try started(driver)
    }
}
