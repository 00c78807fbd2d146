import ArgumentParser
import ContainerProtocol
import Dispatch
import Foundation
import MessagePack
import Synchronization

extension CompletionKind {
    /// Names of the worker's containers.
    static var containers: CompletionKind {
        .custom { words, _, _ in Completions.fromWorker(words) { try await $0.names(limit: 1000) } }
    }

    /// Names of contexts.
    static var contexts: CompletionKind {
        .custom { _, _, _ in (try? Contexts.read())?.contexts.keys.sorted() ?? [] }
    }

    /// Names of the worker's profiles.
    static var profiles: CompletionKind {
        .custom { words, _, _ in
            Completions.fromWorker(words) { session in
                (try await session.call(.version)["profiles"]?.array ?? []).compactMap(\.string)
            }
        }
    }

    /// Names of signals.
    static var signals: CompletionKind { .list(SignalArgument.names) }
}

/// What completes a word and is asked of a worker.
enum Completions {
    /// A shell waits for it, and a user for the shell.
    private static let patience = Duration.milliseconds(700)

    /// - Parameter words: the command line so far, whose connection options count.
    /// - Returns: nothing where the worker does not answer at once: a completion reports no failures.
    static func fromWorker(
        _ words: [String], _ ask: @escaping @Sendable (Session) async throws -> [String]
    ) -> [String] {
        let done = DispatchSemaphore(value: 0)
        let answer = Answer()
        Task.detached {
            defer { done.signal() }
            var options = try ConnectionOptions.parse(connection(in: words))
            options.timeout = TimeSpan(patience)
            let console = Console(format: .table)
            let names = try await ask(try await Session.open(try options.address(), options, console))
            answer.names.withLock { $0 = names }
        }
        _ = done.wait(timeout: .now() + .milliseconds(1500))
        return answer.names.withLock { $0 }
    }

    private final class Answer: Sendable {
        let names = Mutex<[String]>([])
    }

    /// The connection options among the words of a command line.
    static func connection(in words: [String]) -> [String] {
        var found: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word != "--" else { break }
            let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? ""
            guard ConnectionOptions.names.contains(name), name != "--format", name != "--timeout" else { continue }
            found.append(word)
            if name == word, let value = rest.popFirst() { found.append(value) }
        }
        return found
    }
}
