import Foundation

/// A page for `man`, made of a command's own help. Pure.
struct ManualPage {
    /// What the parser says of a command: the parts of its own description that a page shows.
    struct Command: Decodable {
        var commandName: String
        var abstract: String?
        var discussion: String?
        var superCommands: [String]?
        var shouldDisplay: Bool?
        var aliases: [String]?
        var arguments: [Argument]?
        var subcommands: [Command]?
    }

    struct Argument: Decodable {
        enum Kind: String, Decodable { case positional, option, flag }

        struct Name: Decodable {
            var kind: String
            var name: String

            var text: String { (kind == "long" ? "--" : "-") + name }
        }

        var kind: Kind
        var shouldDisplay: Bool?
        var isOptional: Bool?
        var isRepeating: Bool?
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var allValues: [String]?
        var sectionTitle: String?
        var abstract: String?
        var discussion: String?
    }

    private struct Tool: Decodable { var command: Command }

    let command: Command
    /// The words of the command line: `windlass keys list`.
    let words: [String]

    /// The pages of a tool and of all its commands.
    /// - Parameter json: the parser's description of the tool.
    static func all(_ json: String) throws -> [ManualPage] {
        pages(try JSONDecoder().decode(Tool.self, from: Data(json.utf8)).command, [])
    }

    private static func pages(_ command: Command, _ above: [String]) -> [ManualPage] {
        guard command.shouldDisplay != false, command.commandName != "help" else { return [] }
        let words = above + [command.commandName]
        return [ManualPage(command: command, words: words)] + (command.subcommands ?? []).flatMap { pages($0, words) }
    }

    /// Its name in section 1: `windlass-keys-list`.
    var name: String { words.joined(separator: "-") }

    /// The page in the form of man(7).
    /// - Parameter version: stands at the foot.
    func text(version: String, usage: String) -> String {
        var lines = [
            ".TH \(quoted(name.uppercased())) 1 \"\" \(quoted("windlass \(version)")) \"User Commands\"", ".SH NAME",
        ]
        lines.append("\(escaped(name)) \\- \(escaped(sentence(command.abstract ?? "")))")
        lines += [".SH SYNOPSIS", ".nf", ".B"]
        lines += usage.split(separator: "\n").map { escaped(String($0)) } + [".fi"]
        if let discussion = command.discussion, !discussion.isEmpty {
            lines.append(".SH DESCRIPTION")
            for (index, paragraph) in discussion.components(separatedBy: "\n\n").enumerated() {
                if index > 0 { lines.append(".PP") }
                lines.append(escaped(paragraph))
            }
        }
        let shown = (command.arguments ?? []).filter { $0.shouldDisplay != false }
        lines += section("ARGUMENTS", shown.filter { $0.kind == .positional })
        let options = shown.filter { $0.kind != .positional }
        lines += section("OPTIONS", options.filter { $0.sectionTitle == nil })
        var titles: [String] = []
        for title in options.compactMap(\.sectionTitle) where !titles.contains(title) { titles.append(title) }
        for title in titles {
            lines += section(title.uppercased(), options.filter { $0.sectionTitle == title })
        }
        let commands = (command.subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
        if !commands.isEmpty {
            lines.append(".SH COMMANDS")
            for command in commands {
                lines += [
                    ".TP", ".BR \(escaped(name + "-" + command.commandName)) (1)", escaped(command.abstract ?? ""),
                ]
            }
        }
        if words.count > 1 {
            lines += [".SH SEE ALSO", ".BR \(escaped(words.dropLast().joined(separator: "-"))) (1)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func section(_ title: String, _ arguments: [Argument]) -> [String] {
        guard !arguments.isEmpty else { return [] }
        return [".SH \(escaped(title))"]
            + arguments.flatMap { argument in
                [".TP", term(argument), escaped(description(argument))]
            }
    }

    private func term(_ argument: Argument) -> String {
        let value = argument.valueName.map { "\\fI\(escaped($0))\\fR" }
        switch argument.kind {
        case .positional: return (value ?? "") + (argument.isRepeating == true ? " ..." : "")
        case .option, .flag:
            // The short ones first, as everywhere.
            let names = (argument.names ?? []).map(\.text).sorted { $0.count < $1.count }
            let text = names.map { "\\fB\(escaped($0))\\fR" }.joined(separator: ", ")
            return argument.kind == .option ? "\(text) \(value ?? "")" : text
        }
    }

    private func description(_ argument: Argument) -> String {
        var text = argument.abstract ?? argument.discussion ?? ""
        if let values = argument.allValues, !values.isEmpty { text += " One of \(values.joined(separator: ", "))." }
        if let value = argument.defaultValue, !value.isEmpty, argument.kind == .option { text += " Default: \(value)." }
        return text.trimmingCharacters(in: .whitespaces)
    }

    /// As `NAME` has it: without the full stop.
    private func sentence(_ text: String) -> String { text.hasSuffix(".") ? String(text.dropLast()) : text }

    private func quoted(_ text: String) -> String { "\"\(escaped(text))\"" }

    /// Text in which nothing is a request of man(7).
    private func escaped(_ text: String) -> String {
        let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
        return plain.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.hasPrefix(".") || $0.hasPrefix("'") ? "\\&" + $0 : String($0) }.joined(separator: "\n")
    }
}
