import ContainerDriver
import Glibc

/// A root file system made of the host's statically linked busybox. It is made once, and every container that asks for it
/// has an overlay above it.
struct BusyboxRoot: Sendable {
    /// Where it is.
    let folder: String

    private static let programs = ["/usr/bin/busybox", "/bin/busybox"]
    private static let patience = 10_000
    /// Written last: a root without it is incomplete.
    private static let mark = "/etc/windlass-root"

    /// Makes it where it is missing.
    func make() throws(DriverFailure) {
        if HostFile.exists(folder + BusyboxRoot.mark) { return }
        guard let program = BusyboxRoot.programs.first(where: { access($0, X_OK) == 0 }) else {
            throw DriverFailure(
                .failedPrecondition,
                "this host has no busybox to make a root file system of; install the package busybox-static, or name a folder in "
                    + "root.path")
        }
        let listing = HostProgram.run([program, "--list-full"], milliseconds: BusyboxRoot.patience)
        guard listing.isSuccess else {
            throw DriverFailure(.failedPrecondition, "\(program) --list-full failed: \(listing.text)")
        }
        // Beside its place, so that two that make it at once do not meet; the first one to be done stays.
        let draft = folder + ".\(getpid())-\(UInt32.random(in: 0 ... .max))"
        do throws(HostError) {
            try make(draft, program, listing.output)
        } catch {
            FolderTree.remove(draft)
            throw error.failure
        }
        if rename(draft, folder) != 0 { FolderTree.remove(draft) }
        guard HostFile.exists(folder + BusyboxRoot.mark) else {
            throw HostError("making", folder, code: EEXIST).failure
        }
    }

    private func make(_ root: String, _ program: String, _ listing: [UInt8]) throws(HostError) {
        for name in ["bin", "dev", "etc", "home", "proc", "root", "sbin", "sys", "tmp", "usr/bin", "usr/sbin", "var"] {
            try FolderTree.make(root + "/" + name, mode: 0o755)
        }
        // The whole root is seen by processes of any user.
        chmod(root, 0o755)
        chmod(root + "/tmp", 0o1777)
        guard let busybox = HostFile.bytes(program, limit: 16 << 20) else { throw HostError("reading", program) }
        try HostFile.replace(root + "/bin/busybox", with: busybox, mode: 0o755)
        for line in String(decoding: listing, as: UTF8.self).split(separator: "\n") where !line.contains("..") {
            // What is there already is busybox itself, or a name that was listed twice.
            _ = symlink("/bin/busybox", root + "/" + line)
        }
        try HostFile.replace(
            root + "/etc/passwd",
            with: Array("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n".utf8), mode: 0o644)
        try HostFile.replace(root + "/etc/group", with: Array("root:x:0:\nnogroup:x:65534:\n".utf8), mode: 0o644)
        try HostFile.replace(root + BusyboxRoot.mark, with: Array("busybox\n".utf8), mode: 0o644)
    }
}
