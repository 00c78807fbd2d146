package import ContainerModel
import ContainerProtocol
import Logging
import ZeroMQ

/// A publisher with its outbox and nothing around it, that publishes one event again and again: for `windlass bench`.
package final class EventLoad: Sendable {
    private let loop: SocketLoop
    private let parts: LoopBound<(outbox: Outbox, events: EventPublisher, authenticator: Authenticator)>
    private let event: Event
    private let count: UInt32
    /// Where it publishes.
    package let endpoint: String

    /// Events of one turn of the loop.
    private static let turnSize: UInt32 = 256
    /// Events that may wait to be sent.
    private static let mostWaiting = 10_000

    /// Publishes `event` `count` times when ``begin()`` is called.
    package init(configuration: WorkerConfiguration, event: Event, count: UInt32) throws {
        let loop = try SocketLoop(context: try Context(), name: "event-load")
        self.loop = loop
        self.event = event
        self.count = count
        (parts, endpoint) = try loop.perform {
            let logger = Logger(label: "bench")
            let journal = try configuration.openJournal(on: loop, logger: logger)
            let access = Access(configuration.access, logger: logger)
            let authenticator = try Authenticator(access, on: loop)
            let serverKey = try configuration.access.serverKey.map { try ServerKey.read($0) }
            if serverKey != nil { access.take(ClientDirectory(configuration.access.clientsDirectory).read()) }
            let events = try EventPublisher(
                configuration: configuration, access: access, journal: journal, on: loop, logger: logger)
            let outbox = Outbox(host: configuration.host, journal: journal, sink: events, on: loop)
            let endpoint = try events.serve(serverKey, authenticator)[0]
            try authenticator.start()
            try events.start()
            loop.atEndOfTurn { outbox.flush() }
            return (LoopBound((outbox, events, authenticator), to: loop), endpoint)
        }
    }

    /// Publishes.
    package func begin() { publish(count) }

    private func publish(_ left: UInt32) {
        guard left > 0 else { return }
        loop.post { [self] in
            // The sockets' own loop sends at its own pace.
            guard parts.value.events.waiting < EventLoad.mostWaiting else {
                loop.schedule(after: .milliseconds(1)) { self.publish(left) }
                return
            }
            let now = min(left, EventLoad.turnSize)
            let outbox = parts.value.outbox
            for _ in 0..<now { outbox.record(event) }
            publish(left - now)
        }
    }

    /// Closes the socket and ends the loop.
    package func stop() {
        loop.post { [parts] in
            parts.value.events.close()
            parts.value.outbox.close()
        }
        loop.stop()
    }
}
