public import ContainerModel
public import ContainerProtocol
import MessagePack

/// What processes write, followed over any number of connections.
extension WorkerClient {
    /// Follows what a process writes, until it ends.
    ///
    /// The worker sends at most ``OutputPiece/window`` bytes ahead of what has been acknowledged. A process has one
    /// reader per client: a second one takes the place of the first, whose stream ends. When the connection breaks, the
    /// client attaches again at the offset that was reached. Output that is no longer kept is reported by
    /// ``OutputPiece/dropped``, and a worker that has lost its offsets by ``OutputPiece/isRestart``.
    /// - Parameter lossless: whether the process waits where the reader is behind. A reader that keeps it waiting for too
    ///   long loses that hold; see ``OutputPiece/isHoldLost``.
    /// - Throws: a failure if the worker has no such output. If that becomes known later, the stream throws it.
    public func output(
        of id: ContainerID, _ process: ProcessName = .initial, from start: OutputStart = .start, lossless: Bool = false
    ) async throws(Failure) -> AsyncThrowingStream<OutputPiece, any Error> {
        let source = ProcessReference(id, process)
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: OutputPiece.self)
        lastFollower += 1
        let number = lastFollower
        // Before the request: pieces may come right behind its answer.
        let former = followers.updateValue(
            OutputFollower(number: number, start: start, isLossless: lossless, continuation: continuation),
            forKey: source)
        former?.continuation.finish()
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forget(number, source) }
        }
        do throws(Failure) {
            _ = try await perform(.attach, source.parameters, timeout: WorkerClient.patience)
        } catch {
            if followers[source]?.number == number { followers[source] = nil }
            throw error
        }
        return stream
    }

    /// Lets the worker send as many bytes more as `piece` had; call it when a piece has been dealt with.
    ///
    /// Small pieces are gathered, so that not every one of them costs a request.
    public func acknowledge(_ piece: OutputPiece) async throws(Failure) {
        let source = ProcessReference(piece)
        guard let bytes = followers[source]?.acknowledge(piece.data.count), bytes > 0 else { return }
        var parameters = source.parameters
        parameters["bytes"] = .int(bytes)
        do throws(Failure) {
            _ = try await perform(.credit, parameters, timeout: WorkerClient.patience)
        } catch {
            // The attachment went with its connection; the next one has the credit from its beginning.
            guard [.unavailable, .failedPrecondition].contains(error.code) else { throw error }
        }
    }

    /// Takes one byte more, so that a lossless reader that cannot pass its output on now keeps its hold. The byte waits
    /// with the rest.
    public func extendOutput(of id: ContainerID, _ process: ProcessName = .initial) async {
        let source = ProcessReference(id, process)
        guard followers[source]?.extend() == true else { return }
        var parameters = source.parameters
        parameters["bytes"] = 1
        _ = try? await perform(.credit, parameters, timeout: WorkerClient.patience)
    }

    /// For requests that any worker answers at once.
    private static let patience = Duration.seconds(30)

    private func forget(_ number: UInt64, _ source: ProcessReference) async {
        guard followers[source]?.number == number else { return }
        followers[source] = nil
        guard connection?.stands == true else { return }
        _ = try? await perform(.detach, source.parameters, timeout: WorkerClient.patience)
    }

    // MARK: Attachments

    /// Where an attachment begins, and how much may come; known only when the request is sent.
    func attachment(_ source: ProcessReference) -> Value.Map {
        guard let follower = followers[source] else { return [:] }
        var parameters: Value.Map = ["from": follower.start.value, "credit": .int(follower.freeWindow)]
        if follower.isLossless { parameters["lossless"] = true }
        return parameters
    }

    /// An attachment is answered: before the pieces that come behind the answer are looked at.
    func settleAttachment(_ source: ProcessReference, _ result: Result<Value, Failure>) {
        guard case .success(let answer) = result, let offset = answer["offset"]?.unsigned else { return }
        followers[source]?.attach(at: offset)
    }

    func take(_ piece: OutputPiece) {
        let source = ProcessReference(piece)
        guard let follower = followers[source], let piece = followers[source]?.take(piece) else { return }
        follower.continuation.yield(piece)
        guard piece.isEnd else { return }
        followers[source] = nil
        follower.continuation.finish()
    }

    /// The connection is gone, and every attachment with it.
    func detachFollowers() {
        for source in followers.keys { followers[source]?.detach() }
    }

    /// Attaches those again whom the former connection had attached; others have a request that waits.
    func attachAgain() {
        for (source, follower) in followers where follower.isToBeAttachedAgain {
            Task { await attachAgain(follower.number, source) }
        }
    }

    private func attachAgain(_ number: UInt64, _ source: ProcessReference) async {
        guard followers[source]?.number == number, followers[source]?.isToBeAttachedAgain == true else { return }
        followers[source]?.isRequested = true
        do {
            _ = try await perform(.attach, source.parameters, timeout: nil)
        } catch {
            guard followers[source]?.number == number else { return }
            followers.removeValue(forKey: source)?.continuation.finish(throwing: error)
        }
    }
}
