import Foundation
import Glibc
import Synchronization

/// The program that was built beside the tests, run in a process of its own and read line by line.
///
/// Not Foundation's: its `run()` reads beyond a page now and then where a process has as many descriptors as these tests,
/// and its reads end the program where a signal interrupts them.
final class ChildProcess: Sendable {
    private let pid: pid_t
    /// What it writes to both streams comes in one order.
    private let output: Int32
    private let buffer = Mutex<[UInt8]>([])
    private let status = Mutex<Int32?>(nil)

    struct SpawnFailure: Error {
        let code: Int32
    }

    init(_ arguments: [String]) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SpawnFailure(code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        // The pool's threads block signals, which a child would inherit.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let program = tests.deletingLastPathComponent().appendingPathComponent("windlass").path
        let words = ([program] + arguments).map { strdup($0) }
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, program, &actions, &attributes, words + [nil], environ)
        guard code == 0 else {
            close(ends[0])
            throw SpawnFailure(code: code)
        }
        self.pid = pid
        output = ends[0]
    }

    deinit { close(output) }

    /// Sends it a signal, unless it has been waited for.
    func signal(_ number: Int32) {
        status.withLock { if $0 == nil { Glibc.kill(pid, number) } }
    }

    /// Waits for its end, on this thread.
    /// - Returns: its exit code; 128 and the signal's number where one ended it.
    @discardableResult
    func wait() -> Int32 {
        if let known = status.withLock({ $0 }) { return known }
        var info = siginfo_t()
        // It is left for the lock's holder to reap, so that no signal goes to another process of its number.
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return status.withLock { status in
            if let status { return status }
            var raw: Int32 = 0
            while waitpid(pid, &raw, 0) < 0, errno == EINTR {}
            let code = raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + raw & 0x7F
            status = code
            return code
        }
    }

    /// Waits for its end.
    @discardableResult
    func exit() async -> Int32 { await offThePool { self.wait() } }

    /// Reads on until a line is as wanted; nil where the process ends without one. One task reads.
    func line(where isWanted: @escaping @Sendable (String) -> Bool) async -> String? {
        await offThePool { [self] in
            var piece = [UInt8](repeating: 0, count: 4096)
            while true {
                while let line = takeLine() { if isWanted(line) { return line } }
                let count = read(output, &piece, piece.count)
                if count > 0 { buffer.withLock { $0 += piece.prefix(count) } }
                guard count > 0 || count < 0 && errno == EINTR else { return nil }
            }
        }
    }

    private func takeLine() -> String? {
        buffer.withLock { buffer in
            guard let end = buffer.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            defer { buffer.removeFirst(end + 1) }
            return String(decoding: buffer[..<end], as: UTF8.self)
        }
    }
}

/// Runs what blocks on a thread of its own: Swift's cooperative pool must not wait.
private func offThePool<Result: Sendable>(_ work: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { done in Thread.detachNewThread { done.resume(returning: work()) } }
}
