import ContainerDriver
import ContainerModel
import HostComputeEmulator

@testable import HostComputeDriver

/// Another owner on the same host: its compute systems are not the driver's to end, whatever id they have.
final class ScheduleStranger {
    private let driver: HostComputeDriver
    private let events = ScheduleEvents()
    private let seed: UInt64
    private let root: String
    /// What it runs, and the process in it.
    private var running: [ContainerID: UInt32] = [:]
    /// What it tried to run.
    private var tried: Set<ContainerID> = []

    init(seed: UInt64, root: String) {
        self.seed = seed
        self.root = root
        driver = HostComputeDriver(
            table: HostComputeEmulator.table, name: "hcs-emulator", version: "test", owner: "stranger-\(seed)",
            isolates: false, timeouts: .hasty)
        driver.connect(events)
    }

    /// Whether it has a system of this id.
    func has(_ id: ContainerID) -> Bool { running[id] != nil }

    /// Runs something under an id that no one else wants.
    func takeItsOwn() {
        if let id = ContainerID("s\(String(seed, radix: 16))-stranger") { try? take(id, hyperV: false) }
    }

    /// Runs something under `id`.
    func take(_ id: ContainerID, hyperV: Bool) throws(DriverFailure) {
        guard !has(id) else { return }
        var process = OCIProcess(args: ["/bin/sleep", "600"])
        process.env = [FaultSchedule.mark]
        tried.insert(id)
        do throws(DriverFailure) {
            _ = try driver.create(id, specification(id, hyperV: hyperV))
            running[id] = try driver.start(id, process, stdin: false, output: events.output(id, .initial)).pid
        } catch {
            // A fault of the schedule may have struck. What is left is discarded when there are none.
            running[id] = nil
            throw error
        }
    }

    /// What a container of the schedule is made of.
    func specification(_ id: ContainerID, hyperV: Bool) -> OCISpecification {
        var specification = OCISpecification()
        var windows = OCISpecification.Windows()
        windows.layerFolders = [root + "/layers/base", root + "/layers/\(id)"]
        if hyperV {
            windows.hyperV = .init()
        } else {
            specification.root = .init(path: #"\\?\Volume{11111111-2222-3333-4444-555555555555}\"#)
        }
        specification.windows = windows
        return specification
    }

    /// What is wrong with its systems, of each of which nothing may have been ended.
    func complaints() -> [String] {
        var complaints: [String] = []
        for (id, pid) in running.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            do {
                if try !driver.enumerate().ids.contains(id) { complaints.append("the stranger's \(id) is gone") }
                if try !driver.processes(id).map(\.pid).contains(pid) {
                    complaints.append("the stranger's process \(pid) of \(id) is gone")
                }
            } catch {
                complaints.append("the stranger's \(id): \(error.message)")
            }
            if !events.told(id).isEmpty { complaints.append("the stranger was told an exit of \(id)") }
        }
        return complaints
    }

    /// Ends what it could not run.
    func tidyUp() -> [String] { discard(tried.filter { !has($0) }) }

    /// Ends all that it has.
    func end() -> [String] { discard(tried) }

    private func discard(_ ids: Set<ContainerID>) -> [String] {
        var complaints: [String] = []
        for id in ids {
            do {
                try driver.discard(id)
            } catch {
                complaints.append("the stranger can't end \(id): \(error.message)")
            }
        }
        return complaints
    }
}
