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
    private var finished: ((StatisticsMap) -> Void)?

    /// For how long containers are waited for.
    static let patience = Duration.seconds(2)

    /// Gives `finished` a map from ids to statistics, once.
    init(finished: @escaping (StatisticsMap) -> Void) { self.finished = finished }

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
        finished(StatisticsMap(count: count, entries: entries.bytes))
    }
}

/// The statistics of many containers: the result of `stats`.
struct StatisticsMap: WireEncodable {
    let count: Int
    /// Ids and statistics in turn, encoded.
    let entries: [UInt8]

    func encode(to writer: Writer) {
        writer.map(count)
        writer.encoded(entries)
    }
}
