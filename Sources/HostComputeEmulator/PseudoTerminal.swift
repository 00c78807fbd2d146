import CLinux
import ContainerModel
import Glibc

/// A pseudo-terminal: the emulated console.
struct PseudoTerminal {
    /// The master's descriptor.
    let master: Int32
    /// The path of the terminal that the child opens.
    let path: String

    /// A terminal of that size, or nil with errno set.
    init?(_ size: ConsoleSize) {
        let master = FileDescriptor.open("/dev/ptmx", O_RDWR | O_NOCTTY)
        guard master >= 0 else { return nil }
        let number = linux_unlock_terminal(master)
        guard number >= 0 else {
            FileDescriptor.close(master)
            return nil
        }
        self.master = master
        path = "/dev/pts/\(number)"
        _ = PseudoTerminal.resize(master, size)
    }

    /// Sets the size; the kernel sends SIGWINCH to the foreground process group.
    static func resize(_ master: Int32, _ size: ConsoleSize) -> Bool {
        var window = winsize(ws_row: size.height, ws_col: size.width, ws_xpixel: 0, ws_ypixel: 0)
        return ioctl(master, UInt(TIOCSWINSZ), &window) == 0
    }

    /// Types end-of-file (^D). A terminal whose input is full of unread lines does not take it.
    static func typeEndOfFile(_ master: Int32) -> Bool {
        var query = pollfd(fd: master, events: Int16(POLLOUT), revents: 0)
        guard poll(&query, 1, 0) == 1 else { return false }
        var endOfFile: UInt8 = 4
        return write(master, &endOfFile, 1) == 1
    }
}
