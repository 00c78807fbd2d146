import ContainerDriver
import ContainerModel
import Glibc

/// Finds the runtime of this host by running a throw-away container with each: one that is installed need not work.
struct RuntimeProbe {
    /// What was found, and why the others were not taken.
    struct Finding: Sendable {
        var runtime: Runtime
        /// One sentence for a person.
        var reason: String
    }

    /// A folder for the throw-away container.
    let folder: String
    /// Its root file system, which stays for the containers after it.
    let root: BusyboxRoot
    let mounts: CgroupMounts
    /// The group of the throw-away container.
    let group: String

    private static let patience = 20_000
    private static let folders = ["/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/bin", "/sbin"]

    /// - Parameter choice: `auto`, the name of a runtime, or a path.
    func find(_ choice: String) throws(DriverFailure) -> Finding {
        let names = choice == "auto" ? ["crun", "runc"] : [choice]
        var refusals: [String] = []
        for name in names {
            guard let path = name.hasPrefix("/") ? name : RuntimeProbe.path(of: name) else {
                refusals.append("\(name) is not installed")
                continue
            }
            let answer = HostProgram.run([path, "--version"], milliseconds: RuntimeProbe.patience)
            guard answer.isSuccess else {
                refusals.append("\(path) --version failed: \(answer.text.prefix(300))")
                continue
            }
            let runtime = Runtime(path: path, output: answer.text)
            if let refusal = refusal(of: runtime) {
                refusals.append("\(runtime.description) does not work here: \(refusal)")
            } else {
                let why = refusals.isEmpty ? "it works" : refusals.joined(separator: "; ")
                return Finding(runtime: runtime, reason: why)
            }
        }
        throw DriverFailure(.unavailable, refusals.joined(separator: "; "))
    }

    private static func path(of name: String) -> String? {
        folders.map { $0 + "/" + name }.first { access($0, X_OK) == 0 }
    }

    /// Why a container cannot be run with it; nil where it can.
    func refusal(of runtime: Runtime) -> String? {
        defer {
            FolderTree.remove(folder)
            _ = ContainerCgroup(mounts: mounts, group: group).remove()
        }
        do throws(DriverFailure) {
            // Without busybox there is nothing to run, and the first container shows what works.
            guard try makeRoot() else { return nil }
            try makeBundle()
        } catch {
            return error.message
        }
        let (id, state) = ("probe-\(getpid())", folder + "/state")
        let outcome = HostProgram.run(
            [runtime.path, "--root", state, "run", "--bundle", folder, id], milliseconds: RuntimeProbe.patience)
        _ = HostProgram.run(
            [runtime.path, "--root", state, "delete", "--force", id], milliseconds: RuntimeProbe.patience)
        if outcome.isSuccess { return nil }
        return String(outcome.text.split(separator: "\n").last?.prefix(300) ?? "")
    }

    /// - Returns: false where this host has none to make.
    private func makeRoot() throws(DriverFailure) -> Bool {
        do throws(HostError) {
            try FolderTree.make(folder)
            if let parent = FolderTree.parent(of: root.folder) { try FolderTree.make(parent) }
        } catch {
            throw error.failure
        }
        do throws(DriverFailure) {
            try root.make()
            return true
        } catch {
            if error.code == .failedPrecondition { return false }
            throw error
        }
    }

    private func makeBundle() throws(DriverFailure) {
        guard let id = ContainerID("probe") else { return }
        let specification: JSON = [
            "process": ["args": ["/bin/true"]], "annotations": ["windlass.rootfs": "busybox"],
            "root": ["readonly": true],
        ]
        let facts = BundleFacts(
            cgroupsPath: group, hasUnifiedCgroups: mounts.isUnified, resolve: { $0 }, isFolder: { _ in true })
        let bundle = try BundleConfiguration(id, specification, policy: BundlePolicy(), facts: facts)
        do throws(HostError) {
            try HostFile.replace(folder + "/config.json", with: bundle.complete(root: root.folder).bytes)
        } catch {
            throw error.failure
        }
    }
}
