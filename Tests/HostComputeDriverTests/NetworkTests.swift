import ContainerDriver
import ContainerModel
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// Network endpoints at run time: 1.13 could change nothing of a container that ran.
@Suite struct NetworkTests {
    private let host: EmulatedHost

    init() throws { host = try EmulatedHost() }

    private var driver: HostComputeDriver { host.driver }

    private func created(_ endpoints: [String], hyperV: Bool = false) throws -> ContainerID {
        let id = try EmulatedHost.id()
        var specification = host.specification(id, hyperV: hyperV)
        specification.windows?.network = .init()
        specification.windows?.network?.endpointList = endpoints
        _ = try driver.create(id, specification)
        _ = try driver.start(id, EmulatedHost.shell("exec sleep 600"), stdin: false, output: OutputRecorder())
        return id
    }

    @Test func anUpdateIsClampedToTheHost() throws {
        let id = try created([])
        var resources = WindowsResources()
        resources.cpuCount = 4096
        resources.memoryLimit = 0
        let updated = try driver.update(id, .windows(resources, endpoints: nil))
        #expect(updated.warnings.count == 1 && updated.warnings.first?.contains("4096") == true)
        #expect(updated.ignored.contains("memory.limit"), "no limit can be lifted")
        try driver.discard(id)
    }

    private func update(_ id: ContainerID, _ endpoints: [String]?) throws -> UpdatedResources {
        try driver.update(id, .windows(WindowsResources(), endpoints: endpoints))
    }

    private func endpoints(_ id: ContainerID) -> [String]? { HostComputeEmulator.resources(of: id.rawValue)?.endpoints }

    private func refuse(_ id: ContainerID, _ code: UInt32, times: Int? = 1) {
        HostComputeEmulator.faults.fail(
            .modifyComputeSystem, id: id.rawValue, hresult: Int32(bitPattern: code), times: times)
    }

    @Test(arguments: [false, true])
    func endpointsComeAndGo(hyperV: Bool) throws {
        #expect(driver.capabilities.contains(.updateNetwork))
        let id = try created(["a", "b"], hyperV: hyperV)
        let applied = UpdatedResources(applied: ["network.endpointList"], ignored: [])
        #expect(try update(id, ["b", "c", "c", "B"]) == applied)
        #expect(endpoints(id) == ["b", "c"])
        #expect(try update(id, []) == applied)
        #expect(endpoints(id) == [])
        #expect(try update(id, nil) == UpdatedResources(applied: [], ignored: []))
        #expect(try update(id, ["a"]) == applied)
        #expect(endpoints(id) == ["a"])
        try driver.discard(id)
    }

    @Test func limitsAndEndpointsTogether() throws {
        let id = try created([])
        var resources = WindowsResources()
        resources.cpuShares = 7
        resources.storageIOPS = 5
        let updated = try driver.update(id, .windows(resources, endpoints: ["a"]))
        // An emulator enforces no limits.
        #expect(updated.applied == ["network.endpointList"] && updated.ignored == ["storage.iops", "cpu.shares"])
        // What is wrong is found before anything is changed.
        resources.cpuShares = 10_001
        #expect(throws: DriverFailure.self) { try driver.update(id, .windows(resources, endpoints: [])) }
        #expect(endpoints(id) == ["a"])
        try driver.discard(id)
    }

    @Test func whatHCSCannotChangeIsIgnored() throws {
        let id = try created(["a"])
        refuse(id, 0x8007_0032)
        #expect(try update(id, ["b"]) == UpdatedResources(applied: [], ignored: ["network.endpointList"]))
        #expect(endpoints(id) == ["a"])
        try driver.discard(id)
    }

    /// A driver that did not make the container asks HCS what it has.
    @Test func endpointsThatAreNotKnownAreAskedFor() throws {
        let id = try created(["a", "b"])
        driver.systems.withLock { $0[id] }?.withState { $0.endpoints = nil }
        #expect(try update(id, ["b", "c"]).applied == ["network.endpointList"])
        #expect(endpoints(id) == ["b", "c"])
        try driver.discard(id)
    }

    /// Somebody else has taken it away: that it is not there is what was wanted.
    @Test func anEndpointThatIsGoneIsRemoved() throws {
        let id = try created(["a", "b"])
        refuse(id, 0x8007_0490)
        #expect(try update(id, ["b"]).applied == ["network.endpointList"])
        try driver.discard(id)
    }
}
