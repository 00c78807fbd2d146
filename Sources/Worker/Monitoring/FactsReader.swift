import Threads

/// Reads what the system knows of this process on a thread of its own, since a disk that hangs may hold up no scrape. On
/// the loop only.
final class FactsReader {
    private let loop: any HostLoop
    private let thread: WorkThread?
    private let read: @Sendable () -> ProcessFacts
    private var waiting: [UInt64: (ProcessFacts?) -> Void] = [:]
    private var lastNumber: UInt64 = 0
    private var isReading = false

    /// How long a scrape waits for the facts.
    static let patience = Duration.seconds(1)

    init(
        on loop: any HostLoop, thread: WorkThread? = WorkThread("facts"), _ read: @escaping @Sendable () -> ProcessFacts
    ) {
        self.loop = loop
        self.thread = thread
        self.read = read
    }

    /// Gives `then` the facts, or nil where they do not come in time. Scrapes at the same time share a reading.
    func facts(then: @escaping (ProcessFacts?) -> Void) {
        guard let thread else { return then(nil) }
        lastNumber += 1
        let number = lastNumber
        waiting[number] = then
        loop.schedule(after: FactsReader.patience) { [self] in waiting.removeValue(forKey: number)?(nil) }
        guard !isReading else { return }
        isReading = true
        let done = LoopBound(
            { [self] (facts: ProcessFacts) in
                isReading = false
                let answers = waiting
                waiting = [:]
                for answer in answers.values { answer(facts) }
            }, to: loop)
        thread.run { [loop, read] in
            let facts = read()
            loop.post { done.value(facts) }
        }
    }
}
