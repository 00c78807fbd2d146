import ArgumentParser
import ContainerProtocol
import Foundation
import Worker

/// `windlass man`: the pages for man(1), made of the commands.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man",
        abstract: "Print a page for man, or write all of them.",
        usage: """
            windlass man [<command> ...]
            windlass man --directory <dir>
            """,
        discussion: "Read one with: windlass man run | man -l -")

    @Option(
        help: ArgumentHelp("Write all pages into this folder, which is made.", valueName: "dir"), completion: .directory
    )
    var directory: String?

    @Argument(help: "The command, such as run, or keys list; the program itself where there is none.")
    var command: [String] = []

    func run() throws {
        try ContextCommand.reporting {
            let pages = try ManualPage.all(Windlass._dumpHelp())
            if let directory { return try write(pages, to: directory) }
            guard let page = pages.first(where: { Array($0.words.dropFirst()) == command }) else {
                throw Failure(
                    .notFound,
                    "there is no page for \(command.joined(separator: " ")); `windlass --help` lists the commands")
            }
            try Terminal.write(ManualCommand.text(page), to: .output)
        }
    }

    private func write(_ pages: [ManualPage], to directory: String) throws {
        let folder = URL(fileURLWithPath: directory)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for page in pages {
            try Data(ManualCommand.text(page).utf8).write(
                to: folder.appendingPathComponent(page.name + ".1"), options: .atomic)
        }
    }

    private static func text(_ page: ManualPage) -> String {
        page.text(version: WindlassVersion.current, usage: usage(page.words.dropFirst()))
    }

    /// How the command is typed, as its help has it.
    private static func usage(_ words: ArraySlice<String>) -> String {
        var type: any ParsableCommand.Type = Windlass.self
        for word in words {
            let next = type.configuration.subcommands.first { CommandNames.names(of: $0).contains(word) }
            type = next ?? type
        }
        return Windlass.usageString(for: type)
    }
}
