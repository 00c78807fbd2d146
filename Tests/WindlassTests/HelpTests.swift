import ArgumentParser
import Testing

@testable import windlass

/// What `--help` and the pages for man say.
struct HelpTests {
    /// Every command, those of groups too.
    static let commands: [any ParsableCommand.Type] = below(Windlass.self)

    private static func below(_ command: any ParsableCommand.Type) -> [any ParsableCommand.Type] {
        [command] + command.configuration.subcommands.flatMap { below($0) }
    }

    @Test func helpHasNoWordsOfSwift() {
        #expect(HelpTests.commands.count > 35)
        for command in HelpTests.commands {
            let help = Windlass.helpMessage(for: command, columns: 500)
            for word in [
                "rawValue", "Optional", "Duration", "TimeSpan", "(default: nil", "seconds))", "windlass.", "Swift",
                "DetachKeys(",
            ] {
                #expect(!help.contains(word), "\(command): \(word)")
            }
        }
    }

    @Test func defaultsAreWrittenAsTheyAreTyped() {
        let stop = Windlass.helpMessage(for: StopCommand.self, columns: 500)
        #expect(stop.contains("(default: 10s)"))
        #expect(Windlass.helpMessage(for: ExecCommand.self, columns: 500).contains("(default: ctrl-p,ctrl-q)"))
        #expect(Windlass.helpMessage(for: WaitCommand.self, columns: 500).contains("(default: init)"))
    }

    /// The connection's options are the same everywhere and stand behind the verb's own.
    @Test func usageIsShort() {
        for command in HelpTests.commands where command is any ClientCommand.Type {
            let usage = Windlass.usageString(for: command)
            #expect(usage.contains("[<options>]") && !usage.contains("--worker"), "\(command)")
        }
    }

    @Test func aPageForEveryCommand() throws {
        let pages = try ManualPage.all(Windlass._dumpHelp())
        let names = Set(pages.map(\.name))
        #expect(names.contains("windlass") && names.contains("windlass-run") && names.contains("windlass-config-check"))
        #expect(pages.count > 50)
        let run = try #require(pages.first { $0.name == "windlass-run" })
        let text = run.text(version: "1.0", usage: "windlass run [<options>]")
        let lines = text.split(separator: "\n")
        #expect(lines.first == #".TH "WINDLASS\-RUN" 1 "" "windlass 1.0" "User Commands""#)
        #expect(lines.contains(#"windlass\-run \- Run a program in a new container"#))
        #expect(lines.contains(#"\fB\-m\fR, \fB\-\-memory\fR \fIbytes\fR"#))
        #expect(lines.contains(".SH CONNECTION OPTIONS"))
        // A line that begins with a full stop is a request.
        let requests: Set<Substring> = [".TH", ".SH", ".TP", ".BR", ".B", ".PP", ".nf", ".fi"]
        for line in lines where line.hasPrefix(".") {
            #expect(requests.contains(line.prefix { $0 != " " }), "\(line)")
        }
    }
}
