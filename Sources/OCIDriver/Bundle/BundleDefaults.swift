/// What a container has whose specification leaves it out.
enum BundleDefaults {
    static let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// Without a `/proc` no runtime can start a process.
    static let mounts: [JSON] = [
        ["destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]],
        [
            "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        ],
        [
            "destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
        ],
        [
            "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        ],
        [
            "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
            "options": ["nosuid", "noexec", "nodev"],
        ],
        ["destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]],
    ]

    static let namespaces = ["pid", "ipc", "uts", "mount"]

    /// Hidden from every container.
    static let maskedPaths = [
        "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
        "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
    ]

    /// What no container may write to: with `/proc/sysrq-trigger`, for example, it could stop the host.
    static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// Every device but those that the runtime itself gives each container.
    static let noDevices: JSON = ["allow": false, "access": "rwm"]

    static var capabilities: JSON {
        let names = JSON(BundlePolicy.ordinaryCapabilities)
        return ["bounding": names, "effective": names, "permitted": names]
    }
}
