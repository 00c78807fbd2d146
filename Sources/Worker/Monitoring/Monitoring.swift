import Foundation
import Logging
import ZeroMQ

/// What a worker shows of itself by HTTP: its metrics and its health. On the loop only.
final class Monitoring {
    private let loop: SocketLoop
    private let logger: Logger
    private let configuration: WorkerConfiguration
    private let socket: HTTPSocket?
    private let facts: FactsReader
    private let pages: WorkerPages
    /// Where it serves, with the real ports.
    private(set) var endpoints: [String] = []

    /// Serves `health`, and metrics of what `sources` has.
    init(
        _ configuration: WorkerConfiguration, on loop: SocketLoop, logger: Logger, health: @escaping () -> HealthReport,
        _ sources: @escaping (ProcessFacts?) -> HostMetrics.Sources
    ) throws {
        self.loop = loop
        self.logger = logger
        self.configuration = configuration
        let (folder, hasJournal) = (configuration.stateDirectory, configuration.journal == .disk)
        let facts = FactsReader(on: loop) { ProcessFacts.read(stateDirectory: folder, hasJournal: hasJournal) }
        self.facts = facts
        let last = LastScrape()
        let pages = WorkerPages(health: health) { answer in
            facts.facts { facts in
                let began = ContinuousClock.now
                var sources = sources(facts)
                sources.lastScrape = last.duration
                answer(HostMetrics.page(sources))
                last.duration = .now - began
            }
        }
        self.pages = pages
        socket =
            (configuration.httpEndpoints ?? WorkerConfiguration.defaultHTTPEndpoints).isEmpty
            ? nil : try HTTPSocket(on: loop, logger: logger) { pages.answer($0, $1) }
    }

    /// Takes its endpoints. One that was not chosen may be another worker's of this host: then there is no such page.
    /// - Throws: ``Worker/StartFailure`` where one that was chosen cannot be had.
    func serve() throws {
        guard let socket else { return }
        for endpoint in configuration.httpEndpoints ?? WorkerConfiguration.defaultHTTPEndpoints {
            do throws(ZeroMQError) {
                endpoints.append(try socket.serve(endpoint))
            } catch {
                guard configuration.httpEndpoints == nil else {
                    throw Worker.StartFailure(
                        description: "http: \(error); set http to another endpoint, or to none")
                }
                logger.warning(
                    "there are no metrics and no health by HTTP: the endpoint is in use; set http to another one, or to none",
                    metadata: ["endpoint": "\(endpoint)", "error": "\(error)"])
            }
            if !Endpoint(endpoint).isLocal {
                logger.notice(
                    "metrics and health are served to other hosts, in the clear", metadata: ["endpoint": "\(endpoint)"])
            }
        }
    }

    /// Begins to answer.
    func start() throws(ZeroMQError) { try socket?.start() }

    func close() { socket?.close() }
}

/// How long the loop was held by the last scrape. On the loop only.
private final class LastScrape {
    var duration = Duration.zero
}
