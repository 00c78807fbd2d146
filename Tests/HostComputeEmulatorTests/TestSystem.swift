import CHostCompute
import Testing

/// A compute system and its first handle, with a recorder registered on it.
final class TestSystem {
    let id: String
    let handle: HcsSystem
    let recorder = Recorder()
    private var callback: HcsCallback?
    private var closed = false

    init(_ id: String = Host.newID(), document: String? = nil, start: Bool = true) throws {
        self.id = id
        let (answer, handle) = Host.create(id, document ?? Host.document(id))
        try #require(answer.code == Host.pending, "\(answer)")
        self.handle = try #require(handle)
        callback = register(recorder)
        try #require(recorder.wait(for: 2)?.status == 0)
        if start {
            try #require(self.start().code == Host.pending)
            try #require(recorder.wait(for: 3)?.status == 0)
        }
    }

    deinit {
        if !closed {
            _ = terminate()
            close()
        }
    }

    func register(_ recorder: Recorder) -> HcsCallback? {
        var callback: HcsCallback?
        _ = Host.table.HcsRegisterComputeSystemCallback?(handle, Recorder.callback, recorder.context, &callback)
        return callback
    }

    func close() {
        closed = true
        if let callback { _ = Host.table.HcsUnregisterComputeSystemCallback?(callback) }
        _ = Host.table.HcsCloseComputeSystem?(handle)
    }

    private typealias Operation =
        @convention(c) (
            HcsSystem?, UnsafePointer<HcsChar>?, UnsafeMutablePointer<UnsafeMutablePointer<HcsChar>?>?
        ) -> HcsResult

    private func call(_ operation: Operation?, _ text: String = "") -> Answer {
        var result: UnsafeMutablePointer<HcsChar>?
        return Answer(operation?(handle, Host.wide(text), &result) ?? -1, result)
    }

    func start() -> Answer { call(Host.table.HcsStartComputeSystem) }
    func shutdown() -> Answer { call(Host.table.HcsShutdownComputeSystem) }
    func terminate() -> Answer { call(Host.table.HcsTerminateComputeSystem) }
    func pause() -> Answer { call(Host.table.HcsPauseComputeSystem) }
    func resume() -> Answer { call(Host.table.HcsResumeComputeSystem) }
    func save() -> Answer { call(Host.table.HcsSaveComputeSystem) }
    func modify(_ document: String) -> Answer { call(Host.table.HcsModifyComputeSystem, document) }

    func properties(_ query: String = "{}") -> (answer: Answer, document: String?) {
        var properties: UnsafeMutablePointer<HcsChar>?
        var result: UnsafeMutablePointer<HcsChar>?
        let code = Host.table.HcsGetComputeSystemProperties?(handle, Host.wide(query), &properties, &result) ?? -1
        return (Answer(code, result), Host.take(properties))
    }

    var state: String? { Host.parse(properties().document)["State"] as? String }

    func createProcess(_ document: [String: Any]) -> (answer: Answer, process: TestProcess?) {
        TestProcess.create(in: handle, Host.json(document))
    }

    /// Runs a shell script with pipes for everything.
    func shell(_ script: String, _ changes: [String: Any] = [:]) throws -> TestProcess {
        let quoted = script.replacing("\"", with: "\\\"")
        var document: [String: Any] = [
            "CommandLine": "/bin/sh -c \"\(quoted)\"", "CreateStdInPipe": true, "CreateStdOutPipe": true,
            "CreateStdErrPipe": true,
        ]
        document.merge(changes) { $1 }
        let (answer, process) = createProcess(document)
        try #require(answer.code == Host.success, "\(answer)")
        process?.system = self
        return try #require(process)
    }
}
