import ContainerDriver

/// What a signal means under HCS, which knows five console control events and the killing of a process.
enum Signals {
    /// What to do for a signal.
    enum Action: Equatable {
        /// Send the named console control event.
        case control(Control)
        /// End it by force.
        case kill
    }

    /// HCS's console control events.
    enum Control: String {
        case ctrlC = "CtrlC"
        case ctrlBreak = "CtrlBreak"
        case ctrlClose = "CtrlClose"
        case ctrlLogOff = "CtrlLogOff"
        case ctrlShutdown = "CtrlShutdown"

        /// The document of HcsSignalProcess.
        var document: [UInt8] { JSONWriter.object { $0.field("Signal", rawValue) } }
    }

    /// What the numbers stand for.
    enum Numbers {
        /// Windows' console control codes (HostComputeService D.7): 1 is CtrlBreak and 2 is CtrlClose.
        case console
        /// Linux' signals, where the emulator's processes are those of the host: 1 is HUP and 2 is INT.
        case linux
    }

    /// The signal's action; nil where it means nothing to Windows. The number 0 names no signal anywhere.
    ///
    /// As names, INT, QUIT and HUP mean what a terminal's user means by them; these three are this driver's own.
    static func action(for signal: Signal, _ numbers: Numbers) -> Action? {
        switch signal {
        case .graceful: .control(.ctrlShutdown)
        case .number(let number): numbers == .console ? action(console: number) : action(linux: number)
        case .name(let name): action(name: name.uppercased())
        }
    }

    /// The same where HcsSignalProcess is absent: a request to end becomes a kill, any other is impossible.
    static func actionWithoutSignals(for signal: Signal, _ numbers: Numbers) -> Action? {
        switch action(for: signal, numbers) {
        case .kill, .control(.ctrlShutdown): .kill
        default: nil
        }
    }

    private static func action(console number: Int) -> Action? {
        switch number {
        case 1: .control(.ctrlBreak)
        case 2: .control(.ctrlClose)
        case 5: .control(.ctrlLogOff)
        case 6, 15: .control(.ctrlShutdown)
        case 9: .kill
        default: nil
        }
    }

    private static func action(linux number: Int) -> Action? {
        switch number {
        case 1: .control(.ctrlClose)
        case 2: .control(.ctrlC)
        case 3: .control(.ctrlBreak)
        case 9: .kill
        case 15: .control(.ctrlShutdown)
        default: nil
        }
    }

    private static func action(name: String) -> Action? {
        switch name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name {
        case "CTRLC", "INT": .control(.ctrlC)
        case "CTRLBREAK", "QUIT": .control(.ctrlBreak)
        case "CTRLCLOSE", "HUP": .control(.ctrlClose)
        case "CTRLLOGOFF": .control(.ctrlLogOff)
        case "CTRLSHUTDOWN", "TERM", "": .control(.ctrlShutdown)
        case "KILL": .kill
        default: nil
        }
    }

    /// Advice for a caller whose signal is not known here.
    static let known = "use TERM, KILL, INT, QUIT, HUP, CtrlC, CtrlBreak, CtrlClose, CtrlLogOff or CtrlShutdown"
}
