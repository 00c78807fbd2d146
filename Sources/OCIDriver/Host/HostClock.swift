import Glibc
import ContainerModel

/// The host's boot and its clock ticks.
struct HostClock: Sendable {
    /// Changes with every boot.
    let boot: String
    /// Seconds since 1970 at which the host booted.
    private let bootSeconds: UInt64
    private let ticksPerSecond: UInt64

    static let current = HostClock()

    private init() {
        boot = HostFile.text("/proc/sys/kernel/random/boot_id")?.trimmingSpace ?? ""
        bootSeconds = CgroupText.number("btime", in: HostFile.text("/proc/stat"))
        ticksPerSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }

    func nanoseconds(_ ticks: UInt64) -> UInt64 { ticks &* (1_000_000_000 / ticksPerSecond) }

    /// When a process began that started so many ticks after the boot.
    func timestamp(_ ticks: UInt64) -> Timestamp {
        let rest = ticks % ticksPerSecond &* (1_000_000_000 / ticksPerSecond)
        return HostClock.timestamp(nanoseconds: (bootSeconds &+ ticks / ticksPerSecond) &* 1_000_000_000 &+ rest)
    }

    /// Nanoseconds since 1970.
    static var nanosecondsNow: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) &* 1_000_000_000 &+ UInt64(max(0, time.tv_nsec))
    }

    static func timestamp(nanoseconds: UInt64) -> Timestamp {
        Timestamp(
            seconds: Int64(nanoseconds / 1_000_000_000), nanoseconds: UInt32(nanoseconds % 1_000_000_000)) ?? .epoch
    }
}
