import CHostCompute
import ContainerModel
import Glibc

/// The standard streams of a process: the child's ends, the ends handed to the caller, and what the emulator keeps.
struct ProcessStreams: Sendable {
    /// What the child opens.
    enum Child: Sendable {
        /// Input, output and error; `none` for no stream.
        case pipes([Int32])
        case terminal(path: String)
    }

    private static let none = [FileDescriptor.none, FileDescriptor.none, FileDescriptor.none]

    private(set) var child = Child.pipes(none)
    /// Input, output and error as the caller gets them.
    private(set) var caller = none
    /// What is kept of input, output and error. While the input's writing end is open the process sees no end of file.
    private var kept = none
    private(set) var terminal = FileDescriptor.none
    private var keepsOutput = false

    /// The child's terminal, where it has one.
    var terminalPath: String? { if case .terminal(let path) = child { path } else { nil } }

    /// The child's ends, for `hc_spawn_request`.
    var childEnds: (Int32, Int32, Int32) {
        guard case .pipes(let ends) = child else { return (-1, -1, -1) }
        return (ends[0], ends[1], ends[2])
    }

    /// Makes what the document asks for.
    /// - Parameter keepsOutput: whether unread output outlives the caller's descriptors, for the next caller.
    init(_ document: EmulatedProcessDocument, keepsOutput: Bool) throws(HostFailure) {
        do throws(HostFailure) {
            if let size = document.console {
                try makeTerminal(size, document)
            } else {
                try makePipes(document, keepsOutput)
            }
        } catch {
            closeChild()
            closeCaller()
            closeKept()
            throw error
        }
    }

    private mutating func makeTerminal(_ size: ConsoleSize, _ document: EmulatedProcessDocument) throws(HostFailure) {
        guard let made = PseudoTerminal(size) else { throw ProcessStreams.exhausted("pseudo-terminal") }
        terminal = made.master
        child = .terminal(path: made.path)
        if document.wantsInput { caller[0] = try checked(FileDescriptor.duplicate(terminal)) }
        if document.wantsOutput { caller[1] = try checked(FileDescriptor.duplicate(terminal)) }
    }

    private mutating func makePipes(_ document: EmulatedProcessDocument, _ keepsOutput: Bool) throws(HostFailure) {
        // As HCS does it, the object that the caller has is kept, and with it what is in the pipe (HostComputeService
        // A.4). Where there is no next caller, a mere reference lets a writer see that its reader has gone.
        self.keepsOutput = keepsOutput
        let wanted = [document.wantsInput, document.wantsOutput, document.wantsError]
        var ends = ProcessStreams.none
        defer { child = .pipes(ends) }
        for stream in 0..<3 where wanted[stream] {
            guard let pipe = FileDescriptor.pipe() else { throw ProcessStreams.exhausted("pipe") }
            (ends[stream], caller[stream]) = stream == 0 ? (pipe.read, pipe.write) : (pipe.write, pipe.read)
            let keep = stream == 0 || keepsOutput ? FileDescriptor.duplicate : FileDescriptor.reference
            kept[stream] = try checked(keep(caller[stream]))
        }
    }

    private func checked(_ descriptor: Int32) throws(HostFailure) -> Int32 {
        guard descriptor >= 0 else { throw ProcessStreams.exhausted("descriptor") }
        return descriptor
    }

    static func exhausted(_ what: String) -> HostFailure {
        // The system has as many pseudo-terminals as it may, which is no matter of its disk.
        let error = errno == ENOSPC ? ENOMEM : errno
        return HostFailure(
            code: ResultCode.exhausted(error), message: "No \(what) is left: \(String(cString: strerror(error))).")
    }

    /// Further descriptors of the same streams, for one more caller; those that were closed stay away. What is kept of
    /// them is the very object that the first caller got, with all that was done to it.
    func duplicates() throws(HostFailure) -> [Int32] {
        let open = terminal >= 0 ? caller : kept
        return try (0..<3).map { (stream) throws(HostFailure) in
            guard open[stream] >= 0 else { return FileDescriptor.none }
            if terminal >= 0 { return try checked(FileDescriptor.duplicate(terminal)) }
            let again = stream == 0 || keepsOutput ? FileDescriptor.duplicate : FileDescriptor.reopen
            return try checked(again(kept[stream]))
        }
    }

    /// The same with descriptors that can be neither read nor written.
    func unusableDuplicates() throws(HostFailure) -> [Int32] {
        var references: [Int32] = []
        for descriptor in try duplicates() {
            references.append(descriptor < 0 ? FileDescriptor.none : FileDescriptor.reference(descriptor))
            FileDescriptor.close(descriptor)
        }
        return references
    }

    func closeChild() {
        guard case .pipes(let ends) = child else { return }
        for end in ends { FileDescriptor.close(end) }
    }

    func closeCaller() {
        for end in caller { FileDescriptor.close(end) }
    }

    mutating func closeKept() {
        for end in kept + [terminal] { FileDescriptor.close(end) }
        (kept, terminal) = (ProcessStreams.none, FileDescriptor.none)
    }

    /// Closes the outputs that have ended and hold nothing that was not read.
    mutating func closeDrained() {
        let isDrained = { (descriptor: Int32) in
            var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return descriptor >= 0 && poll(&query, 1, 0) == 1 && query.revents & Int16(POLLIN) == 0
        }
        for stream in 1...2 where isDrained(kept[stream]) { close(stream) }
        if isDrained(terminal) {
            FileDescriptor.close(terminal)
            terminal = FileDescriptor.none
            caller = ProcessStreams.none
        }
    }

    /// Closes what is kept of input (0), output (1) or error (2).
    mutating func close(_ stream: Int) {
        FileDescriptor.close(kept[stream])
        kept[stream] = FileDescriptor.none
    }
}
