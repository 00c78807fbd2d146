import CLinux
import Glibc
import Synchronization
import Threads

/// One thread that learns of every exit, through a descriptor per process.
///
/// It waits for the emulator's own children by id only: other children of the worker are left alone.
final class ExitReaper: Sendable {
    private static let stackSize = 256 * 1024
    private static let batch = 64

    private struct Watched {
        let process: EmulatedProcess
        let descriptor: Int32
    }

    private struct State {
        var watch: Int32?
        var watched: [UInt64: Watched] = [:]
        var last: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Calls `collect` of the process, on a thread of the reaper's, when it has exited.
    func watch(_ process: EmulatedProcess) {
        guard let watch = start() else { return watchWithThread(process) }
        let descriptor = linux_process_descriptor(process.pid)
        guard descriptor >= 0 else { return watchWithThread(process) }
        // Not known by its descriptor: a stale event must never stand for the next owner of that number.
        let number = state.withLock { state in
            state.last += 1
            state.watched[state.last] = Watched(process: process, descriptor: descriptor)
            return state.last
        }
        if linux_watch_add(watch, descriptor, number) != 0 {
            _ = state.withLock { $0.watched.removeValue(forKey: number) }
            close(descriptor)
            watchWithThread(process)
        }
    }

    /// The descriptor of the watch; its thread is started with the first process.
    private func start() -> Int32? {
        state.withLock { state in
            if let watch = state.watch { return watch }
            let watch = linux_watch_open()
            guard watch >= 0 else { return nil }
            guard SystemThread.start("exits", stackSize: ExitReaper.stackSize, { [self] in run(watch) }) else {
                close(watch)
                return nil
            }
            state.watch = watch
            return watch
        }
    }

    private func run(_ watch: Int32) {
        var numbers = [UInt64](repeating: 0, count: ExitReaper.batch)
        while true {
            let count = linux_watch_wait(watch, &numbers, Int32(ExitReaper.batch))
            for number in numbers.prefix(max(0, Int(count))) {
                guard let watched = state.withLock({ $0.watched.removeValue(forKey: number) }) else { continue }
                // Taken out by name: closing alone does not, while a child that is just being spawned has a copy.
                _ = linux_watch_remove(watch, watched.descriptor)
                close(watched.descriptor)
                watched.process.collect()
            }
        }
    }

    /// Older systems, and systems out of descriptors.
    private func watchWithThread(_ process: EmulatedProcess) {
        let started = SystemThread.start("exit", stackSize: ExitReaper.stackSize) {
            var information = siginfo_t()
            while waitid(P_PID, id_t(process.pid), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            process.collect()
        }
        // Without a thread the exit would go unnoticed: end the process now and wait for it here.
        if !started {
            process.signal(SIGKILL)
            process.collect()
        }
    }
}
