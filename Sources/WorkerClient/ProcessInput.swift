public import ContainerProtocol
import MessagePack

/// The standard input of one process, as one writer fills it.
///
/// A writer that has the input for itself sends each piece with its offset, so that a piece whose answer was lost is
/// sent again without harm and the worker need not note it. Others cannot know the offset. Their pieces carry request
/// ids.
public struct ProcessInput: Sendable {
    private let client: WorkerClient
    private let process: ProcessReference
    /// How many bytes the process has been given; nil where others may write to it too.
    public private(set) var offset: UInt64?

    init(_ client: WorkerClient, _ process: ProcessReference, offset: UInt64?) {
        self.client = client
        self.process = process
        self.offset = offset
    }

    /// Gives the process all of `data`, at the pace at which it takes them.
    /// - Parameters:
    ///   - end: whether nothing comes after them.
    ///   - timeout: the longest wait for one answer; nil is the method's own.
    /// - Throws: `failed_precondition` or `not_found` where the process takes no more, `data_loss` where the
    ///   worker does not have what it had accepted.
    public mutating func write(_ data: [UInt8], end: Bool = false, timeout: Duration? = nil) async throws(Failure) {
        var rest = data[...]
        var pause = InputPause()
        while true {
            let accepted = try await send(rest, end, timeout)
            rest = rest.dropFirst(accepted)
            if let offset { self.offset = offset + UInt64(accepted) }
            if rest.isEmpty { return }
            try await client.rest(pause.next(isFull: accepted == 0))
        }
    }

    /// - Returns: how many of `data` the process has.
    private func send(_ data: ArraySlice<UInt8>, _ end: Bool, _ timeout: Duration?) async throws(Failure) -> Int {
        var parameters = process.parameters
        parameters["data"] = .binary(Array(data))
        parameters["eof"] = .bool(end)
        if let offset { parameters["offset"] = .unsigned(offset) }
        do throws(Failure) {
            let answer = try await client.call(.stdin, .map(parameters), timeout: timeout)
            return min(Int(clamping: answer["accepted"]?.unsigned ?? 0), data.count)
        } catch {
            guard error.code == .failedPrecondition, let known = error.details["offset"] else { throw error }
            throw loss(of: known, data.count)
        }
    }

    /// - Parameter known: how many bytes the process has been given, as the worker reports; nil if it does not know.
    private func loss(of known: Value, _ count: Int) -> Failure {
        guard let number = known.unsigned else {
            return Failure(
                .dataLoss,
                "the worker was started anew and does not know whether \(process.name) has been given the last \(count) "
                    + "bytes of its input", details: ["offset": known])
        }
        return Failure(
            .dataLoss,
            "the worker has given \(process.name) \(number) bytes of the \(offset ?? 0) that it had accepted; what is "
                + "missing cannot be sent again", details: ["offset": known])
    }
}
