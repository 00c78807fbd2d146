import MessagePack
import OrderedCollections
import ContainerDriver
import ContainerModel
import ContainerProtocol
import Logging
import MessagePack
import Threads

/// What the worker stands on and what can vanish under it: its state directory, its socket files, free descriptors, and
/// the service behind the driver. It is looked at every two seconds. On the loop only.
///
/// Trouble is logged once, shows in `health`, and has new work refused. It is over when the next look finds nothing.
final class Footing {
    /// What is looked at; the names are those of the checks in `health`.
    enum Part: String, CaseIterable {
        case stateDirectory = "state_dir"
        case descriptors
        case sockets
        case driver
    }

    /// What is wrong with a part.
    struct Trouble: Sendable, Equatable {
        let code: Failure.Code
        let message: String

        init(_ code: Failure.Code, _ message: String) {
            self.code = code
            self.message = message
        }
    }

    private let loop: any HostLoop
    private let driver: any ContainerDriver
    private let logger: Logger
    private let look: FootingLook?
    /// Puts socket files back that are gone; its answer is what it could not put right.
    var mendSockets: () -> String? = { nil }
    private(set) var troubles: [Part: Trouble] = [:]
    /// Each of them may block, for as long as a disk or a service does.
    private let files = WorkThread("footing")
    private let probes = WorkThread("driver-probe")
    /// Since when the driver has not answered.
    private var askedAt: ContinuousClock.Instant?
    private var isLooking = false

    private static let pause = Duration.seconds(2)
    /// New work is not to be refused for longer than need be.
    private static let pauseInTrouble = Duration.milliseconds(500)
    /// A driver that takes longer to answer is in trouble.
    private static let patience = Duration.seconds(3)

    /// - Parameter look: nil where nothing is kept on disk.
    init(_ driver: any ContainerDriver, _ look: FootingLook?, on loop: any HostLoop, logger: Logger) {
        self.driver = driver
        self.look = look
        self.loop = loop
        self.logger = logger
    }

    /// Looks from now on.
    func start() { turn() }

    private func turn() {
        lookAtFiles()
        askDriver()
        set(.sockets, mendSockets().map { Trouble(.unavailable, $0) })
        let pause = troubles.isEmpty ? Footing.pause : Footing.pauseInTrouble
        loop.schedule(after: pause) { [weak self] in self?.turn() }
    }

    private func lookAtFiles() {
        guard !isLooking, let files else { return }
        isLooking = true
        let own = LoopBound({ [weak self] in self }, to: loop)
        files.run { [look, loop] in
            let (state, descriptors) = (look?.stateTrouble(), FootingLook.descriptorTrouble())
            loop.post {
                guard let footing = own.value() else { return }
                footing.isLooking = false
                footing.set(.stateDirectory, state)
                footing.set(.descriptors, descriptors)
            }
        }
    }

    private func askDriver() {
        if let askedAt {
            guard loop.now - askedAt > Footing.patience else { return }
            return set(.driver, Trouble(.unavailable, "the container service does not answer; see that it runs"))
        }
        guard let probes else { return }
        askedAt = loop.now
        let own = LoopBound({ [weak self] in self }, to: loop)
        probes.run { [driver, loop] in
            var trouble: Trouble?
            do throws(DriverFailure) {
                try driver.probe()
            } catch {
                trouble = Trouble(
                    error.code == .resourceExhausted ? .resourceExhausted : .unavailable,
                    "the container service cannot be used: \(error.message)")
            }
            let found = trouble
            loop.post {
                own.value()?.askedAt = nil
                own.value()?.set(.driver, found)
            }
        }
    }

    /// Records what a look has found. A change is logged.
    func set(_ part: Part, _ trouble: Trouble?) {
        guard troubles[part] != trouble else { return }
        troubles[part] = trouble
        if let trouble {
            logger.error(
                "the worker lacks what it needs",
                metadata: ["part": "\(part.rawValue)", "reason": "\(trouble.message)"])
        } else {
            logger.notice("what the worker lacked is there again", metadata: ["part": "\(part.rawValue)"])
        }
    }

    /// Why new work of this method is refused now; nil where it is not. What ends containers is never refused.
    func refusal(_ method: Method) -> Failure? {
        guard method.traits.lane == .mutating, method != .delete else { return nil }
        for part in [Part.stateDirectory, .descriptors, .driver] {
            guard let trouble = troubles[part] else { continue }
            return Failure(trouble.code, trouble.message, retryable: true, details: ["retry_after_ms": 500])
        }
        return nil
    }
}
