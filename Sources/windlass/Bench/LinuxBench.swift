import ArgumentParser
import Foundation
import MessagePack

/// `windlass bench linux`: real containers against the runtime alone and against conmon. It needs root.
struct LinuxBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "linux",
        abstract: "Real containers against the runtime alone and against conmon; needs root, and runc or crun.")

    @Option(help: "How many turns each side gets.")
    var turns = 20
    @Option(help: "How many containers run at once in the storm.")
    var storm = 200
    @Option(help: "The runtimes to measure.")
    var runtime: [String] = ["runc", "crun"]

    func run() async throws {
        guard geteuid() == 0 else { throw BenchFailure("containers need root") }
        for name in runtime {
            let worker: BenchWorker
            do {
                worker = try BenchWorker(environment: ["WINDLASS_OCI_RUNTIME": name], driver: "oci")
            } catch {
                print("\(name) does not work here: `windlass worker --driver oci` with oci_runtime: \(name) says why")
                continue
            }
            defer { worker.stop() }
            try measure(name, worker)
        }
    }

    private func measure(_ runtime: String, _ worker: BenchWorker) throws {
        let peer = try BenchPeer(worker.commands)
        try compareLives(runtime, worker, peer)
        try compareExecs(runtime, worker, peer)
        try measureMany(runtime, worker, peer)
    }

    // MARK: From create to exit

    private func compareLives(_ runtime: String, _ worker: BenchWorker, _ peer: BenchPeer) throws {
        let bare = try BareRuntime(runtime, worker.stateDirectory)
        defer { bare.close() }
        try life(peer, "warm")
        var (ours, alone, conmon): ([Double], [Double], [Double]) = ([], [], [])
        for turn in 0..<turns {
            alone.append(try bare.run())
            if bare.hasConmon { conmon.append(try bare.runUnderConmon()) }
            ours.append(try life(peer, "t\(turn)"))
        }
        Figure.ratio(
            "\(runtime): create to exit of /bin/true, run alone", ours: ours.median, baseline: alone.median, unit: "ms",
            atMost: 1.6)
        if !conmon.isEmpty {
            Figure.ratio(
                "\(runtime): the same against conmon", ours: ours.median, baseline: conmon.median, unit: "ms",
                atMost: 0.75)
        }
    }

    /// Creates a container that ends at once, and waits for its exit.
    /// - Returns: how long that took, in milliseconds.
    @discardableResult private func life(_ peer: BenchPeer, _ id: String) throws -> Double {
        let start = ContinuousClock.now
        _ = try peer.ask("create", ["id": .string(id), "spec": ["process": ["args": ["/bin/true"]]]])
        _ = try peer.ask("wait", ["id": .string(id)])
        let duration = (.now - start) / .milliseconds(1)
        _ = try peer.ask("delete", ["id": .string(id)])
        return duration
    }

    // MARK: Execs

    private func compareExecs(_ runtime: String, _ worker: BenchWorker, _ peer: BenchPeer) throws {
        _ = try peer.ask("create", ["id": "host", "spec": ["process": ["args": ["/bin/sleep", "1000000"]]]])
        let bare = try BareRuntime(runtime, worker.stateDirectory)
        defer { bare.close() }
        var (ours, alone): ([Double], [Double]) = ([], [])
        for turn in 0..<turns {
            alone.append(try bare.exec(worker, "host"))
            let start = ContinuousClock.now
            let name = Value.string("e\(turn)")
            _ = try peer.ask("exec", ["id": "host", "process": name, "spec": ["args": ["/bin/true"]]])
            _ = try peer.ask("wait", ["id": "host", "process": name])
            ours.append((.now - start) / .milliseconds(1))
        }
        Figure.ratio(
            "\(runtime): exec of /bin/true, the command alone", ours: ours.median, baseline: alone.median, unit: "ms")
        _ = try peer.ask("delete", ["id": "host", "force": true])
    }

    // MARK: Many at once

    private func measureMany(_ runtime: String, _ worker: BenchWorker, _ peer: BenchPeer) throws {
        let asker = try BenchPeer(worker.commands)
        let before = try worker.process.residentBytes()
        let start = ContinuousClock.now
        for number in 0..<storm {
            let id = Value.string("s\(number)")
            try peer.send("create", ["id": id, "spec": ["process": ["args": ["/bin/sleep", "1000000"]]]])
        }
        var latencies: [Double] = []
        var answered = 0
        while answered < storm {
            latencies.append(try asker.ask("ping").duration / .milliseconds(1))
            while answered < storm, let body = try peer.receiveNow() {
                _ = try peer.result(body)
                answered += 1
            }
            usleep(2000)
        }
        let seconds = (.now - start) / .seconds(1)
        print("\(runtime): \(storm) containers started at once run after \(String(format: "%.1f", seconds)) s")
        latencies.sort()
        Figure.value(
            "\(runtime): the worker's answers meanwhile, p99",
            latencies[min(latencies.count - 1, latencies.count * 99 / 100)],
            unit: "ms", atMost: 5)
        let after = try worker.process.residentBytes()
        Figure.value(
            "\(runtime): worker's memory per running container", Double(after - before) / Double(storm) / 1024,
            unit: "KiB each at \(storm)", atMost: 8)
        let sizes = try supervisorSizes(worker)
        Figure.value("\(runtime): a supervisor's PSS", sizes.median, unit: "MiB", atMost: 0.35)
        var readings: [Double] = []
        let ids = Value.array((0..<min(100, storm)).map { .string("s\($0)") })
        for _ in 0..<turns { readings.append(try asker.ask("stats", ["ids": ids]).duration / .milliseconds(1)) }
        Figure.value(
            "\(runtime): statistics of \(min(100, storm)) containers", readings.median, unit: "ms", atMost: 15)
        for number in 0..<storm { _ = try peer.ask("delete", ["id": .string("s\(number)"), "force": true]) }
    }

    /// The proportional set sizes of the worker's supervisors, in MiB.
    private func supervisorSizes(_ worker: BenchWorker) throws -> [Double] {
        let folder = worker.stateDirectory + "/oci/containers"
        return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
            let text = try? String(contentsOfFile: "\(folder)/\(name)/supervisor.pid", encoding: .utf8)
            guard let pid = text?.split(separator: " ").first,
                let rollup = try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8),
                let line = rollup.split(separator: "\n").first(where: { $0.hasPrefix("Pss:") }),
                let size = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
            else { return nil }
            return size / 1024
        }
    }
}
