import CHostCompute
import Foundation
import Testing

/// A process of a test system and its first handle, with a recorder registered on it.
final class TestProcess {
    let handle: HcsProcess
    let pid: Int32
    var input: Int32
    let output: Int32
    let error: Int32
    let recorder = Recorder()
    private(set) var callback: HcsCallback?
    /// Kept alive with the process; ending it would end the process.
    var system: TestSystem?

    private init(_ handle: HcsProcess, _ information: HcsProcessInformation) {
        self.handle = handle
        pid = Int32(information.ProcessId)
        input = TestProcess.descriptor(information.StdInput)
        output = TestProcess.descriptor(information.StdOutput)
        error = TestProcess.descriptor(information.StdError)
        callback = register(recorder)
    }

    deinit {
        if let callback { _ = Host.table.HcsUnregisterProcessCallback?(callback) }
        _ = Host.table.HcsCloseProcess?(handle)
        for descriptor in [input, output, error] where descriptor > 0 { Foundation.close(descriptor) }
    }

    static func descriptor(_ stream: HcsStream?) -> Int32 { Int32(Int(bitPattern: stream)) }

    static func create(in system: HcsSystem, _ document: String) -> (answer: Answer, process: TestProcess?) {
        var information = HcsProcessInformation()
        var handle: HcsProcess?
        var result: UnsafeMutablePointer<HcsChar>?
        let code = Host.table.HcsCreateProcess?(system, Host.wide(document), &information, &handle, &result) ?? -1
        return (Answer(code, result), handle.map { TestProcess($0, information) })
    }

    func register(_ recorder: Recorder) -> HcsCallback? {
        var callback: HcsCallback?
        _ = Host.table.HcsRegisterProcessCallback?(handle, Recorder.callback, recorder.context, &callback)
        return callback
    }

    func unregister() {
        if let callback { _ = Host.table.HcsUnregisterProcessCallback?(callback) }
        callback = nil
    }

    /// Waits for ProcessExited and returns the exit code that the properties show.
    func exitCode() throws -> UInt32 {
        _ = try #require(recorder.wait(for: 0x10000))
        return try #require(properties()["ExitCode"] as? NSNumber).uint32Value
    }

    func properties() -> [String: Any] {
        var properties: UnsafeMutablePointer<HcsChar>?
        var result: UnsafeMutablePointer<HcsChar>?
        _ = Host.table.HcsGetProcessProperties?(handle, &properties, &result)
        _ = Host.take(result)
        return Host.parse(Host.take(properties))
    }

    func terminate() -> Answer {
        var result: UnsafeMutablePointer<HcsChar>?
        return Answer(Host.table.HcsTerminateProcess?(handle, &result) ?? -1, result)
    }

    func signal(_ name: String) -> Answer {
        var result: UnsafeMutablePointer<HcsChar>?
        let options = Host.wide("{\"Signal\":\"\(name)\"}")
        return Answer(Host.table.HcsSignalProcess?(handle, options, &result) ?? -1, result)
    }

    func modify(_ document: String) -> Answer {
        var result: UnsafeMutablePointer<HcsChar>?
        return Answer(Host.table.HcsModifyProcess?(handle, Host.wide(document), &result) ?? -1, result)
    }

    func closeHandle(_ name: String) -> Answer {
        modify("{\"Operation\":\"CloseHandle\",\"CloseHandle\":{\"Handle\":\"\(name)\"}}")
    }

    func information() -> (answer: Answer, information: HcsProcessInformation) {
        var information = HcsProcessInformation()
        var result: UnsafeMutablePointer<HcsChar>?
        let code = Host.table.HcsGetProcessInfo?(handle, &information, &result) ?? -1
        return (Answer(code, result), information)
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(Foundation.write(input, bytes, bytes.count) == bytes.count)
    }

    func closeInput() {
        Foundation.close(input)
        input = 0
    }

    /// Reads until end of file; a terminal ends with EIO.
    static func readAll(_ descriptor: Int32) -> String { read(descriptor) { _ in false } }

    /// Reads until `enough` of the text so far, or end of file.
    static func read(_ descriptor: Int32, until enough: (String) -> Bool) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while !enough(String(decoding: bytes, as: UTF8.self)) {
            var query = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&query, 1, 10_000) == 1 else { break }
            let count = Foundation.read(descriptor, &chunk, chunk.count)
            if count <= 0 { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
