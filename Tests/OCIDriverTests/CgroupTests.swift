import Testing

@testable import OCIDriver

struct CgroupTests {
    private static let hybrid = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
        40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """

    @Test func mountsOfBothVersions() {
        let mounts = CgroupMounts(mountInfo: Self.hybrid)
        #expect(mounts.isHybrid && !mounts.isUnified)
        #expect(mounts.folder("cpuacct", of: "/a/b") == "/sys/fs/cgroup/cpu,cpuacct/a/b")
        #expect(mounts.folder("pids", of: "/a") == nil)
        #expect(mounts.controllers["systemd"] == "/sys/fs/cgroup/systemd")
        #expect(
            mounts.points == [
                "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/systemd",
                "/sys/fs/cgroup/unified",
            ])
        let unified = CgroupMounts(mountInfo: "26 23 0:22 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate")
        #expect(unified.isUnified && unified.folder("memory", of: "/a") == "/sys/fs/cgroup/a")
        #expect(CgroupMounts(mountInfo: "nonsense - \n 1 2 3 - cgroup").points.isEmpty)
    }
}
