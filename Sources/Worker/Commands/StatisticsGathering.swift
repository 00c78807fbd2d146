import ContainerModel
import ContainerProtocol
import MessagePack

/// The statistics of many containers, encoded as they come in. On the loop only.
final class StatisticsGathering {
    private let entries = Writer()
    private var count = 0
    private var expected: Int?
    private var asked = 0
    private var answered = 0
    private var finished: ((EncodedResult) -> Void)?

    /// For how long containers are waited for.
    static let patience = Duration.seconds(2)

    /// Gives `finished` a map from ids to statistics, once.
    init(finished: @escaping (EncodedResult) -> Void) { self.finished = finished }

    /// One more container is asked.
    func ask() { asked += 1 }

    /// Every container has been asked.
    func askedAll() {
        expected = asked
        finishIfComplete()
    }

    /// A container has answered; nil where it has no statistics, or not in time.
    func add(_ id: ContainerID, _ statistics: Value?) {
        answered += 1
        if let statistics, finished != nil {
            count += 1
            entries.string(id.rawValue)
            entries.value(statistics)
        }
        finishIfComplete()
    }

    private func finishIfComplete() { if expected == answered { finish() } }

    /// Answers with the statistics that have arrived.
    func finish() {
        guard let finished else { return }
        self.finished = nil
        let result = Writer()
        result.map(count)
        result.encoded(entries.bytes)
        finished(EncodedResult(body: result.bytes))
    }
}
