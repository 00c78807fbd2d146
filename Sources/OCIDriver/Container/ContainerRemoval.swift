import CLinuxContainers
import ContainerDriver
import ContainerModel
import Glibc

/// Removes everything that there is of a container, however far it had come. Every step may be repeated, by another
/// worker too.
struct ContainerRemoval {
    let id: ContainerID
    let context: OCIContext

    private static let patience: Int32 = 5000

    private var paths: ContainerPaths { context.paths(id) }

    /// - Parameter supervisor: where it can still be asked.
    /// - Returns: what is left all the same, for a person; nil where nothing is.
    func run(_ file: ContainerFile?, _ supervisor: (any Supervisor)?) -> String? {
        let isThisBoot = file.map { $0.boot == context.clock.boot } ?? true
        if isThisBoot { endProcesses(supervisor) }
        supervisor?.disconnect()
        var left: [String] = []
        if let file, file.hasHooks, isThisBoot { deleteWithHooks(file) }
        FolderTree.remove(context.configuration.runtimeRoot + "/" + id.rawValue)
        if !context.cgroup(id).remove() { left.append("its cgroup") }
        if let file { left += removeNetwork(file) }
        if lc_unmount(paths.root) != 0 { left.append("its mount") }
        // The record goes last.
        for name in FolderTree.names(paths.bundle) where name != "container.json" {
            if !FolderTree.remove(paths.bundle + "/" + name) { left.append(name) }
        }
        guard left.isEmpty else { return left.joined(separator: ", ") + " in \(paths.bundle)" }
        return FolderTree.remove(paths.bundle) ? nil : paths.bundle
    }

    /// Ends the container's processes, then its supervisor with the runtime that it may be running.
    private func endProcesses(_ supervisor: (any Supervisor)?) {
        let cgroup = context.cgroup(id)
        let first = paths.spool(.initial).state()?.identity
        first?.signal(SIGKILL)
        cgroup.kill()
        let keeper = HostFile.text(paths.supervisor, limit: 256).flatMap(ProcessIdentity.init(text:))
        guard let keeper, keeper.isRunning else {
            first?.wait(milliseconds: ContainerRemoval.patience)
            return
        }
        if let supervisor, first != nil {
            first?.wait(milliseconds: ContainerRemoval.patience)
            if hasEnded(supervisor, keeper) { return }
        }
        // A supervisor that does not end by itself: with what the runtime has begun.
        let children = keeper.children
        keeper.signal(SIGKILL)
        for child in children { _ = kill(child, SIGKILL) }
        keeper.wait(milliseconds: ContainerRemoval.patience)
        cgroup.kill()
        for child in children { _ = waitpid(child, nil, WNOHANG) }
        first?.wait(milliseconds: ContainerRemoval.patience)
    }

    /// It notices the end of the first process by itself, perhaps a moment later.
    private func hasEnded(_ supervisor: any Supervisor, _ keeper: ProcessIdentity) -> Bool {
        for _ in 0..<50 {
            guard supervisor.isConnected else { break }
            do throws(DriverFailure) {
                try supervisor.end()
                break
            } catch {
                usleep(10_000)
            }
        }
        return keeper.wait(milliseconds: 1000)
    }

    private func deleteWithHooks(_ file: ContainerFile) {
        _ = HostProgram.run(
            [file.runtime, "--root", context.configuration.runtimeRoot, "delete", "--force", id.rawValue],
            milliseconds: context.configuration.patience)
    }

    private func removeNetwork(_ file: ContainerFile) -> [String] {
        guard let namespace = file.namespace else { return [] }
        var left: [String] = []
        if let name = file.network {
            do throws(DriverFailure) {
                let network = try context.networks.configuration(name)
                let result = file.networkResult.flatMap { JSONParser.parse($0) }
                if let failure = context.networks.remove(network, id, namespace: namespace, result: result) {
                    throw failure
                }
            } catch {
                left.append("the network \(name) (\(error.message))")
            }
        }
        if lc_remove_network_namespace(namespace) != 0 { left.append(namespace) }
        return left
    }
}
