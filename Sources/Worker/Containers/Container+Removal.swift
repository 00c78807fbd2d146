import ContainerModel
import ContainerProtocol
import MessagePack

/// How far the removal of a stopped container by the worker has come.
enum Removal: Sendable {
    case none
    /// Readers have not everything yet.
    case waiting
    /// Readers have had their time.
    case due
    case begun
    /// It is tried again.
    case failed
}

/// What the worker removes by itself: `auto_remove`, and containers that have been stopped for long.
extension Container {
    /// Between attempts to remove it.
    private static let removalPause = Duration.seconds(10)

    /// Removes a stopped container that is to be removed, once its readers have everything or have had their time.
    func removeIfDue() {
        guard facts.isAutoRemoved, state.phase == .stopped, lane.depth == 0, !link.isOpening else { return }
        switch removal {
        case .none, .waiting, .due: break
        case .begun:
            removal = .failed
            services.loop.schedule(after: Container.removalPause) { [self] in
                removal = .due
                removeIfDue()
            }
            return
        case .failed: return
        }
        guard removal != .due, output?.hasReaders ?? false else { return remove() }
        guard removal == .none else { return }
        removal = .waiting
        services.loop.schedule(after: services.configuration.times.losslessReader) { [self] in
            guard removal == .waiting else { return }
            removal = .due
            removeIfDue()
        }
    }

    /// Removes a stopped container: as a `delete` that no peer has sent.
    func remove() {
        guard state.phase == .stopped, lane.depth == 0 else { return }
        removal = .begun
        offer(QueuedCommand(id: id, kind: .delete(force: false)))
    }

    /// Since when it has been stopped, for its retention. A removal that failed counts as its end.
    var stoppedAt: Timestamp { removal == .none ? state.exit?.at ?? services.loop.timestamp : services.loop.timestamp }

    // MARK: What it is made of

    /// Keeps what the container is made of, for `state` with `spec`.
    func describe(_ creation: QueuedCommand.Creation, warnings: [String] = []) {
        var description: Value.Map = ["spec": creation.source]
        if let profile = creation.profile { description["profile"] = .string(profile) }
        if creation.stdin { description["stdin"] = true }
        description["warnings"] = .array(warnings.map { .string($0) })
        services.outbox.save(description: .map(description), of: id)
    }

    /// Answers with the record, and with what the container is made of.
    func describe(_ responder: Responder) {
        services.outbox.afterCommit(isQuestion: true) { [self] in
            services.outbox.description(of: id) { [self] description in
                responder.succeed(DescribedContainer(record: record, description: description?.map ?? [:]))
            }
        }
    }
}

/// A record and what its container is made of.
private struct DescribedContainer: WireEncodable {
    let record: ContainerRecord
    let description: Value.Map

    func encode(to writer: Writer) { record.encode(to: writer, with: description) }
}
