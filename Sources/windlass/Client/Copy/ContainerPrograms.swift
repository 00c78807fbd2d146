import ContainerModel
import ContainerProtocol
import Dispatch
import MessagePack
import WorkerClient

/// Runs small programs in a container, as `cp` needs them.
struct ContainerPrograms: Sendable {
    let session: Session
    let id: ContainerID

    /// As much of what a program says of its failure as a message shows.
    private static let errorLimit = 4096

    /// Whether there is a folder at a path.
    func isFolder(_ path: String) async throws -> Bool {
        let process = try await begin(["test", "-d", path])
        return try await session.client.wait(id, process).code == 0
    }

    /// Runs a program and passes what it writes to its standard output, every byte of it.
    func read(_ arguments: [String], _ body: @escaping @Sendable ([UInt8]) throws -> Void) async throws {
        let process = try await begin(arguments)
        var errors: [UInt8] = []
        for try await piece in try await session.client.output(of: id, process, lossless: true) {
            guard piece.dropped == 0, !piece.isRestart else {
                throw Failure(.dataLoss, "\(id): output of \(arguments[0]) was lost on its way; run it again")
            }
            if piece.stream == .stdout {
                try await offThePool { try body(piece.data) }
            } else {
                errors.append(contentsOf: piece.data.prefix(max(0, ContainerPrograms.errorLimit - errors.count)))
            }
            try await session.client.acknowledge(piece)
        }
        try await end(process, arguments, errors)
    }

    /// Runs a program with input.
    /// - Parameter next: the next bytes; empty at the end.
    func write(_ arguments: [String], _ next: @escaping @Sendable () throws -> [UInt8]) async throws {
        let process = try await begin(arguments, hasInput: true)
        let errors = Task { try await self.errors(of: process) }
        var input = session.client.input(of: id, process, from: 0)
        do {
            while true {
                let bytes = try await offThePool(next)
                try await input.write(bytes, end: bytes.isEmpty, timeout: session.timeout ?? .seconds(300))
                if bytes.isEmpty { break }
            }
        } catch let failure as Failure where failure.code == .failedPrecondition || failure.code == .notFound {
            // It has ended before its input. Its exit says why.
        }
        try await end(process, arguments, try await errors.value)
    }

    private func begin(_ arguments: [String], hasInput: Bool = false) async throws -> ProcessName {
        let name = try ProcessName(RandomName.process()).orFail("a random name")
        let specification: Value = ["args": .array(arguments.map { .string($0) }), "cwd": "/"]
        do {
            try await session.call(
                .exec, id,
                [
                    "process": .string(name.rawValue), "spec": specification, "stdin": .bool(hasInput),
                    "lossless": true,
                ])
        } catch let failure as Failure where ExitCodes.ofContainer.code(for: failure) == ExitCodes.notFound {
            throw Failure(
                .failedPrecondition,
                "\(id) has no program \(arguments[0]), and `cp` works with the container's own tar and test")
        }
        return name
    }

    private func errors(of process: ProcessName) async throws -> [UInt8] {
        var errors: [UInt8] = []
        for try await piece in try await session.client.output(of: id, process) {
            errors.append(contentsOf: piece.data.prefix(max(0, ContainerPrograms.errorLimit - errors.count)))
            try await session.client.acknowledge(piece)
        }
        return errors
    }

    private func end(_ process: ProcessName, _ arguments: [String], _ errors: [UInt8]) async throws {
        let exit = try await session.client.wait(id, process)
        guard !exit.known || exit.code != 0 else { return }
        let text = String(decoding: errors, as: UTF8.self).split(separator: "\n").first.map(String.init)
        throw Failure(
            .failedPrecondition,
            "\(id): \(arguments[0]) failed: \(text ?? "exit code \(exit.known ? exit.codeText : "unknown")")")
    }
}

/// Runs what holds a thread where it holds none of Swift's own.
func offThePool<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Swift.Result { try work() }) }
    }
}
