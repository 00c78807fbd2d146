import CHostCompute
import Glibc

/// The standard streams of a process: the child's ends, the ends handed to the caller, and what the emulator keeps.
struct ProcessStreams: Sendable {
    /// What the child opens.
    enum Child: Sendable {
        /// A descriptor each; `none` for no stream.
        case pipes(input: Int32, output: Int32, error: Int32)
        case terminal(path: String)
    }

    var child = Child.pipes(input: FileDescriptor.none, output: FileDescriptor.none, error: FileDescriptor.none)
    /// Input, output, error as the caller gets them.
    var caller = [FileDescriptor.none, FileDescriptor.none, FileDescriptor.none]
    /// The writing end of the input: while it is open the process sees no end of file.
    var input = FileDescriptor.none
    var output = FileDescriptor.none
    var error = FileDescriptor.none
    var terminal = FileDescriptor.none
    private var keepsOutput = false

    /// The child's terminal, where it has one.
    var terminalPath: String? { if case .terminal(let path) = child { path } else { nil } }

    /// The child's ends, for ``hc_spawn_request``.
    var childEnds: (Int32, Int32, Int32) {
        guard case .pipes(let input, let output, let error) = child else { return (-1, -1, -1) }
        return (max(-1, input), max(-1, output), max(-1, error))
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
        let keep = keepsOutput ? FileDescriptor.duplicate : FileDescriptor.reference
        var ends = [FileDescriptor.none, FileDescriptor.none, FileDescriptor.none]
        defer { child = .pipes(input: ends[0], output: ends[1], error: ends[2]) }
        if document.wantsInput {
            guard let pipe = FileDescriptor.pipe() else { throw ProcessStreams.exhausted("pipe") }
            ends[0] = pipe.read
            caller[0] = pipe.write
            input = try checked(FileDescriptor.duplicate(pipe.write))
        }
        if document.wantsOutput {
            guard let pipe = FileDescriptor.pipe() else { throw ProcessStreams.exhausted("pipe") }
            ends[1] = pipe.write
            caller[1] = pipe.read
            output = try checked(keep(pipe.read))
        }
        if document.wantsError {
            guard let pipe = FileDescriptor.pipe() else { throw ProcessStreams.exhausted("pipe") }
            ends[2] = pipe.write
            caller[2] = pipe.read
            error = try checked(keep(pipe.read))
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
        if terminal >= 0 {
            return [
                caller[0] >= 0 ? try checked(FileDescriptor.duplicate(terminal)) : FileDescriptor.none,
                caller[1] >= 0 ? try checked(FileDescriptor.duplicate(terminal)) : FileDescriptor.none,
                FileDescriptor.none,
            ]
        }
        let again = keepsOutput ? FileDescriptor.duplicate : FileDescriptor.reopen
        return [
            input >= 0 ? try checked(FileDescriptor.duplicate(input)) : FileDescriptor.none,
            output >= 0 ? try checked(again(output)) : FileDescriptor.none,
            error >= 0 ? try checked(again(error)) : FileDescriptor.none,
        ]
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
        guard case .pipes(let input, let output, let error) = child else { return }
        for end in [input, output, error] { FileDescriptor.close(end) }
    }

    func closeCaller() {
        for end in caller { FileDescriptor.close(end) }
    }

    mutating func closeKept() {
        for end in [input, output, error, terminal] { FileDescriptor.close(end) }
        (input, output, error, terminal) =
            (FileDescriptor.none, FileDescriptor.none, FileDescriptor.none, FileDescriptor.none)
    }

    /// Closes the outputs that have ended and hold nothing that was not read.
    mutating func closeDrained() {
        let isDrained = { (descriptor: Int32) in
            var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return descriptor >= 0 && poll(&query, 1, 0) == 1 && query.revents & Int16(POLLIN) == 0
        }
        if isDrained(output) { closeOutput() }
        if isDrained(error) { closeError() }
        if isDrained(terminal) {
            FileDescriptor.close(terminal)
            terminal = FileDescriptor.none
            caller = [FileDescriptor.none, FileDescriptor.none, FileDescriptor.none]
        }
    }

    mutating func closeInput() {
        FileDescriptor.close(input)
        input = FileDescriptor.none
    }

    mutating func closeOutput() {
        FileDescriptor.close(output)
        output = FileDescriptor.none
    }

    mutating func closeError() {
        FileDescriptor.close(error)
        error = FileDescriptor.none
    }
}
