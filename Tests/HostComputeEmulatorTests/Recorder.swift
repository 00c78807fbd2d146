import CHostCompute
import Dispatch
import Synchronization

/// What one registration heard, in order.
final class Recorder: Sendable {
    struct Heard: Sendable, Equatable {
        var type: UInt32
        var status: UInt32
        var data: String?
    }

    private static let last = Atomic<UInt>(0)
    private static let recorders = Mutex<[UInt: Recorder]>([:])
    private static let order = Mutex<[(UInt, UInt32)]>([])

    let number: UInt
    private let heard = Mutex<[Heard]>([])
    private let arrival = DispatchSemaphore(value: 0)
    /// Runs inside the callback, and reaches the emulator as the test does.
    let inside: (@Sendable (Heard) -> Void)?
    private let way = Host.way

    init(inside: (@Sendable (Heard) -> Void)? = nil) {
        self.inside = inside
        // In one step: recorders are also made by several threads at once, and no two may share a number.
        number = Recorder.last.add(1, ordering: .relaxed).newValue
        Recorder.recorders.withLock { $0[number] = self }
    }

    static let callback: HcsNotificationCallback = { type, context, status, data in
        let text = data.map { String(decodingCString: $0, as: UTF16.self) }
        let heard = Heard(type: type, status: UInt32(bitPattern: status), data: text)
        let number = UInt(bitPattern: context)
        guard let recorder = recorders.withLock({ $0[number] }) else { return }
        order.withLock { $0.append((number, type)) }
        Host.$way.withValue(recorder.way) { recorder.inside?(heard) }
        recorder.heard.withLock { $0.append(heard) }
        recorder.arrival.signal()
    }

    var context: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: number) }

    /// Everything heard so far.
    var all: [Heard] { heard.withLock { $0 } }

    /// Waits until `type` was heard; nil after ten seconds.
    func wait(for type: UInt32) -> Heard? {
        let deadline = DispatchTime.now() + .seconds(10)
        while true {
            if let found = all.first(where: { $0.type == type }) { return found }
            if arrival.wait(timeout: deadline) == .timedOut { return all.first { $0.type == type } }
        }
    }

    /// The order in which these recorders heard things, over all threads.
    static func order(of recorders: [Recorder]) -> [UInt32] {
        let numbers = Set(recorders.map(\.number))
        return order.withLock { $0.filter { numbers.contains($0.0) }.map(\.1) }
    }
}
