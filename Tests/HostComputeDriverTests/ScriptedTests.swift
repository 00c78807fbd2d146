import CHostCompute
import ContainerDriver
import ContainerProtocol
import Testing

@testable import HostComputeDriver

/// What only a service that obeys its test can show. One by one: a create goes to the service that was made last.
@Suite(.serialized) struct ScriptedTests {
    private let service = ScriptedService()
    private let events = EventRecorder()

    private func driver(
        _ timeouts: Timeouts = .quick, _ change: (inout HostComputeTable) -> Void = { _ in }
    ) -> HostComputeDriver {
        let driver = HostComputeDriver(
            table: ScriptedService.table(change), name: "hcs", version: "", owner: "scripted", isolates: true,
            timeouts: timeouts)
        driver.connect(events)
        return driver
    }

    private func specification() -> OCISpecification {
        var specification = OCISpecification()
        var windows = OCISpecification.Windows()
        windows.layerFolders = ["base", "scratch"]
        specification.windows = windows
        specification.root = .init(path: #"\\?\Volume{1}\"#)
        return specification
    }

    private func started(_ driver: HostComputeDriver) throws -> ContainerID {
        let id = try EmulatedHost.id("scripted")
        _ = try driver.create(id, specification())
        #expect(try driver.start(id, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder()) == 11)
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
        let pid = try driver.startProcess(id, exec, OCIProcess(args: ["p"]), stdin: false, output: OutputRecorder())
        #expect(pid == 12)
        service.notifySystem(HcsNotificationServiceDisconnect)
        #expect(events.waitForDisconnect())
        service.state.withLock { $0.properties = #"{"Exited":false}"# }
        let opened = try driver.open(id, output: OutputRecorder())
        #expect(opened == OpenedContainer(isolation: .hyperV, state: .running(pid: 11)))
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
}
