import ContainerDriver
import ContainerModel
import Glibc

/// What can be done with a container that runs.
extension OCIContainer {
    // MARK: Execs

    func startProcess(
        _ name: ProcessName, _ given: JSON, stdin: Bool, output: any ProcessOutput
    ) throws(DriverFailure) -> StartedProcess {
        let supervisor = try requireSupervisor()
        let configuration = try ProcessConfiguration(given, at: "spec", directory: file.directory)
        let facts = BundleFacts(
            cgroupsPath: cgroup.group, hasUnifiedCgroups: context.mounts.isUnified, resolve: FolderTree.resolve,
            isFolder: FolderTree.isFolder)
        try BundleCheck(policy: context.configuration.policy, facts: facts)
            .check(process: .object(configuration.document), at: "spec")
        guard !cgroup.isFrozen else {
            throw DriverFailure(.failedPrecondition, "\(subject) is paused; resume it first")
        }
        let process = SupervisedProcess(
            name, hasTerminal: configuration.hasTerminal, output: output, after: state.withLock(\.lastNumber))
        let isNew = state.withLock { state in
            guard state.processes[name].map({ $0.isReported }) ?? true else { return false }
            state.processes[name] = process
            return true
        }
        guard isNew else {
            throw DriverFailure(.alreadyExists, "\(subject) has a process '\(name)' that runs; choose another name")
        }
        do throws(DriverFailure) {
            let document = JSON.object(configuration.document).bytes
            let number = try exec(process, document, supervisor, hasInput: stdin)
            if let size = configuration.size { try supervisor.resize(number, size) }
        } catch {
            state.withLock { state in
                if state.processes[name] === process, process.exit == nil { state.processes[name] = nil }
            }
            throw error
        }
        // The supervisor's notice of the process may come after its answer.
        let pid = state.wait(milliseconds: context.configuration.patience) { _ in process.pid }
        guard let pid else {
            throw DriverFailure(.internal, "the supervisor of \(subject) does not say which process it started")
        }
        return StartedProcess(pid: pid, input: reopened(process, stdin), ignored: configuration.ignored)
    }

    private func reopened(_ process: SupervisedProcess, _ stdin: Bool) -> SupervisedInput? {
        guard stdin, let supervisor, let number = process.number else { return nil }
        let input = SupervisedInput(
            supervisor, number, taken: 0, of: "process \(process.name) of \(subject)", reactor: context.reactor)
        process.setInput(input)
        return input
    }

    private func exec(
        _ process: SupervisedProcess, _ document: [UInt8], _ supervisor: any Supervisor, hasInput: Bool,
        isRepeated: Bool = false
    ) throws(DriverFailure) -> UInt32 {
        do throws(HostError) {
            try HostFile.replace(paths.specification(process.name), with: document)
        } catch {
            throw error.failure
        }
        let refusal: ExecRefusal
        do throws(ExecRefusal) {
            return try supervisor.exec(process.name, hasTerminal: process.hasTerminal, hasInput: hasInput)
        } catch {
            refusal = error
        }
        switch refusal {
        case .nameTaken:
            guard !isRepeated, let number = paths.spool(process.name).state()?.number else {
                throw DriverFailure(
                    .alreadyExists, "\(subject) has a process '\(process.name)' that runs; choose another name")
            }
            try supervisor.forgetNow(number)
            return try exec(process, document, supervisor, hasInput: hasInput, isRepeated: true)
        case .specificationGone:
            guard !isRepeated else {
                throw DriverFailure(.internal, "the specification of '\(process.name)' is gone from \(paths.processes)")
            }
            return try exec(process, document, supervisor, hasInput: hasInput, isRepeated: true)
        case .notRunning:
            throw DriverFailure(.failedPrecondition, "\(subject) does not run, so nothing can be run in it")
        case .refused:
            let reason = RuntimeLog.reason(HostFile.text(paths.log(process.name), limit: 64 << 10))
            if let number = process.number ?? paths.spool(process.name).state()?.number {
                try supervisor.forgetNow(number)
            }
            throw DriverFailure(
                .failedPrecondition,
                "\(context.runtime.description) cannot run '\(process.name)' in \(subject): \(reason ?? "it left no reason")"
            )
        case .failed(let failure):
            guard failure.code == .resourceExhausted, !isRepeated else { throw failure }
            forgetAllDone()
            return try exec(process, document, supervisor, hasInput: hasInput, isRepeated: true)
        }
    }

    // MARK: Signals and terminals

    func signal(_ name: ProcessName, _ signal: Signal) throws(DriverFailure) {
        let number = try SignalNumbers.number(signal)
        guard let process = process(name) else {
            // Of an exec that has ended nothing is kept.
            if name != .initial { return }
            throw DriverFailure(.failedPrecondition, "\(subject) has no process that runs")
        }
        guard process.exit == nil, let identity = process.identity else { return }
        let error = identity.signal(number)
        guard error == 0 || error == ESRCH else {
            throw HostError("signalling", "process \(identity.pid) of \(subject)", code: error).failure
        }
        // A frozen process takes even this one when it is thawed only.
        if number == SIGKILL, cgroup.isFrozen { try cgroup.freeze(false) }
    }

    func resize(_ name: ProcessName, _ size: ConsoleSize) throws(DriverFailure) {
        guard let process = process(name) else {
            throw DriverFailure(.notFound, "\(subject) has no process '\(name)'")
        }
        guard process.hasTerminal else {
            throw DriverFailure(
                .failedPrecondition, "process '\(name)' of \(subject) has no terminal; create it with terminal: true")
        }
        guard let number = process.number else { return }
        try requireSupervisor().resize(number, size)
    }

    // MARK: Resources

    var statistics: ContainerStatistics {
        var statistics = ContainerStatistics(readAt: .now)
        let use = cgroup.statistics
        (statistics.memory, statistics.processor, statistics.storage) = (use.memory, use.processor, use.storage)
        let started = file.startedAt
        if started > 0 {
            statistics.startedAt = HostClock.timestamp(nanoseconds: started)
            let now = HostClock.nanosecondsNow
            statistics.uptime = now > started ? now - started : 0
        }
        if let pid = initial?.identity?.pid, let text = HostFile.text("/proc/\(pid)/net/dev", limit: 64 << 10) {
            statistics.network = NetworkCounters.read(text)
        }
        return statistics
    }

    var processList: [ProcessSummary] {
        ContainerProcesses(clock: context.clock).read(cgroup.processes, first: initial?.identity?.pid ?? 0)
    }

    func update(_ resources: JSON) throws(DriverFailure) -> UpdatedResources {
        let limits = CgroupLimits(resources, isUnified: context.mounts.isUnified)
        var result = UpdatedResources(applied: [], ignored: limits.ignored)
        for change in limits.changes {
            if try apply(change, &result) { result.applied.append(change.field) }
        }
        return result
    }

    private func apply(_ change: CgroupLimits.Change, _ result: inout UpdatedResources) throws(DriverFailure) -> Bool {
        for write in change.writes {
            let error = cgroup.write(write.text, change.controller, write.file)
            if error == 0 || write.isOptional { continue }
            switch error {
            case ENOENT, ENODEV:
                result.ignored.append(change.field)
                return false
            case EINVAL, ERANGE, EBUSY:
                let applied =
                    result.applied.isEmpty ? "" : "; applied before it: \(result.applied.joined(separator: ", "))"
                throw DriverFailure(
                    .invalidArgument,
                    "the kernel does not take \(write.text) for \(change.field): \(String(cString: strerror(error)))\(applied)"
                )
            default: throw HostError("writing", write.file, code: error).failure
            }
        }
        return true
    }
}
