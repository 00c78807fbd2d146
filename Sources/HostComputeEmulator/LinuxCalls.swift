import Glibc

/// The functions of the C library that its Swift module leaves out, since they are GNU or Linux extensions.
struct LinuxCalls: Sendable {
    typealias Pipe2 = @convention(c) @Sendable (UnsafeMutablePointer<Int32>?, Int32) -> Int32
    typealias EpollCreate = @convention(c) @Sendable (Int32) -> Int32
    typealias EpollControl = @convention(c) @Sendable (Int32, Int32, Int32, UnsafeMutableRawPointer?) -> Int32
    typealias EpollWait = @convention(c) @Sendable (Int32, UnsafeMutableRawPointer?, Int32, Int32) -> Int32
    typealias PidfdOpen = @convention(c) @Sendable (pid_t, UInt32) -> Int32

    let pipe2: Pipe2
    let epollCreate: EpollCreate
    let epollControl: EpollControl
    let epollWait: EpollWait
    /// glibc 2.36 and later; without it a thread waits for each process.
    let pidfdOpen: PidfdOpen?

    /// Nil on a system that lacks one of those that are required.
    static let shared = LinuxCalls()

    private init?() {
        guard let pipe2 = LinuxCalls.find("pipe2", as: Pipe2.self),
            let epollCreate = LinuxCalls.find("epoll_create1", as: EpollCreate.self),
            let epollControl = LinuxCalls.find("epoll_ctl", as: EpollControl.self),
            let epollWait = LinuxCalls.find("epoll_wait", as: EpollWait.self)
        else { return nil }
        self.pipe2 = pipe2
        self.epollCreate = epollCreate
        self.epollControl = epollControl
        self.epollWait = epollWait
        pidfdOpen = LinuxCalls.find("pidfd_open", as: PidfdOpen.self)
    }

    private static func find<Function>(_ name: String, as type: Function.Type) -> Function? {
        // RTLD_DEFAULT is a null pointer, and a C function pointer has the size of the address that dlsym returns.
        dlsym(nil, name).map { unsafeBitCast($0, to: type) }
    }
}
