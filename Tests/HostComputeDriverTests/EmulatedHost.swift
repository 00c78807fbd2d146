import ContainerDriver
import ContainerModel
import Foundation
import HostComputeEmulator
import Testing

@testable import HostComputeDriver

/// A driver over the emulator, and containers of it that run real processes.
struct EmulatedHost {
    /// The emulator is one to a program, and so is its folder.
    static let root: String? = {
        let root = folder
        atexit { try? FileManager.default.removeItem(atPath: EmulatedHost.folder) }
        do {
            try HostComputeEmulator.configure(.init(root: root, grace: .milliseconds(200)))
            try FileManager.default.createDirectory(
                atPath: root + "/layers/base/UtilityVM", withIntermediateDirectories: true)
            return root
        } catch {
            return nil
        }
    }()

    private static var folder: String {
        let name = "windlass-driver-tests-\(ProcessInfo.processInfo.processIdentifier)"
        return FileManager.default.temporaryDirectory.appendingPathComponent(name).path
    }

    let driver: HostComputeDriver
    let events = EventRecorder()
    let root: String

    init(_ timeouts: Timeouts = .quick, owner: String = "driver-tests") throws {
        root = try #require(Self.root)
        driver = HostComputeDriver(
            table: HostComputeEmulator.table, name: "hcs-emulator", version: "test", owner: owner, isolates: false,
            timeouts: timeouts)
        driver.connect(events)
    }

    /// An id that no other test has.
    static func id(_ name: String = #function) throws -> ContainerID {
        let letters = name.filter { $0.isLetter || $0.isNumber }
        return try #require(ContainerID("\(letters.prefix(40))-\(UInt32.random(in: 0 ... .max))"))
    }

    func specification(_ id: ContainerID, hyperV: Bool = false, servicing: Bool = false) -> OCISpecification {
        var specification = OCISpecification()
        var windows = OCISpecification.Windows()
        windows.layerFolders = [root + "/layers/base", root + "/layers/\(id)"]
        windows.servicing = servicing
        if hyperV {
            windows.hyperV = .init()
        } else {
            specification.root = .init(path: #"\\?\Volume{11111111-2222-3333-4444-555555555555}\"#)
        }
        specification.windows = windows
        return specification
    }

    static func shell(_ script: String, terminal: Bool = false) -> OCIProcess {
        var process = OCIProcess(args: ["/bin/sh", "-c", script])
        process.terminal = terminal
        return process
    }

    /// Creates a container and starts a shell in it.
    @discardableResult
    func run(
        _ id: ContainerID, _ script: String, terminal: Bool = false, stdin: Bool = false, hyperV: Bool = false,
        output: OutputRecorder = OutputRecorder()
    ) throws -> StartedProcess {
        _ = try driver.create(id, specification(id, hyperV: hyperV))
        return try driver.start(id, Self.shell(script, terminal: terminal), stdin: stdin, output: output)
    }
}

extension Timeouts {
    /// Short where a test waits for the end of a wait, long where it must not end.
    static var quick: Timeouts {
        var timeouts = Timeouts()
        timeouts.create = .seconds(20)
        timeouts.start = .seconds(20)
        timeouts.shutDown = .seconds(20)
        timeouts.terminate = .seconds(20)
        timeouts.cleanUp = .seconds(20)
        timeouts.lostExit = .milliseconds(100)
        return timeouts
    }
}
