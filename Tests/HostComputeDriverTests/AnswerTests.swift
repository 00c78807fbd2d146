import ContainerDriver
import ContainerModel
import ContainerProtocol
import Testing

@testable import HostComputeDriver

@Suite struct AnswerTests {
    @Test func statistics() throws {
        let text = #"""
            {"Id":"ab12","Statistics":{
            "Timestamp":"2017-01-02T03:04:05.1234567Z","ContainerStartTime":"2017-01-02T03:00:00Z","Uptime100ns":2451234567,
            "Memory":{"MemoryUsageCommitBytes":1,"MemoryUsageCommitPeakBytes":2,"MemoryUsagePrivateWorkingSetBytes":3},
            "Processor":{"TotalRuntime100ns":30,"RuntimeUser100ns":20,"RuntimeKernel100ns":10},
            "Storage":{"ReadCountNormalized":1,"ReadSizeBytes":2,"WriteCountNormalized":3,"WriteSizeBytes":4},
            "Network":[{"BytesReceived":1,"BytesSent":2,"EndpointId":"guid","InstanceId":"x"}]}}
            """#
        let properties = try #require(AnswerDocument.read(ContainerProperties.self, text))
        let statistics = PropertyDocuments.statistics(properties, readAt: .epoch)
        #expect(statistics.readAt == Timestamp(seconds: 1_483_326_245, nanoseconds: 123_456_700))
        #expect(statistics.startedAt == Timestamp(seconds: 1_483_326_000, nanoseconds: 0))
        #expect(statistics.uptime == 245_123_456_700)
        #expect(statistics.memory.commitPeak == 2)
        #expect(statistics.processor.total == 3000 && statistics.processor.user == 2000)
        #expect(statistics.storage.writeBytes == 4)
        #expect(statistics.network.first?.endpoint == "guid")
        let nothing = try #require(AnswerDocument.read(ContainerProperties.self, "{}"))
        #expect(PropertyDocuments.statistics(nothing, readAt: .epoch) == ContainerStatistics(readAt: .epoch))
    }

    @Test func processList() throws {
        let text = #"""
            {"ProcessList":[{"CreateTimestamp":"2017-01-02T03:00:01Z","ImageName":"cmd.exe","KernelTime100ns":1,
            "MemoryCommitBytes":2,"MemoryWorkingSetPrivateBytes":3,"MemoryWorkingSetSharedBytes":4,"ProcessId":353,
            "UserTime100ns":5},{"ImageName":"no id"}]}
            """#
        let list = PropertyDocuments.processes(try #require(AnswerDocument.read(ContainerProperties.self, text)))
        #expect(list.count == 1)
        #expect(list.first?.pid == 353 && list.first?.image == "cmd.exe" && list.first?.kernelTime == 100)
    }

    @Test(
        arguments: [
            (#"{"ProcessId":1,"Exited":false,"ExitCode":0,"LastWaitResult":0}"#, .running),
            (#"{"ProcessId":1,"Exited":true,"ExitCode":3221225786,"LastWaitResult":0}"#, .exited(code: 0xC000_013A)),
            (#"{"Exited":true,"ExitCode":-1}"#, .exited(code: .max)), (#"{"Exited":true}"#, .exitedUnreadably),
            (#"{"Exited":true,"ExitCode":0,"LastWaitResult":109}"#, .exitedUnreadably),
            (#"{"Exited":true,"ExitCode":99999999999,"LastWaitResult":0}"#, .exitedUnreadably), ("{}", .running),
            ("[", .unanswered), ("", .unanswered),
        ] as [(String, ProcessStatus)])
    func processStatus(text: String, status: ProcessStatus) {
        #expect(ProcessStatus(parsing: text) == status)
    }

    // MARK: Errors

    private func refused(_ code: UInt32, _ document: String? = nil) -> HostComputeError {
        HostComputeError("HcsCreateComputeSystem", .refused(code: code, hresult: code), document: document)
    }

    @Test(
        arguments: [
            (0xC037_010F, .alreadyExists), (0x8037_010F, .alreadyExists), (0xC037_010E, .notFound),
            (0xC037_0105, .failedPrecondition), (0xC037_010D, .invalidArgument), (0xC037_0112, .invalidArgument),
            (0x8037_0114, .unavailable), (0x6BF, .unavailable), (0x5, .permissionDenied), (0x32, .unimplemented),
            (0x490, .notFound), (0x57, .invalidArgument), (0x8, .resourceExhausted), (0xC037_0109, .deadlineExceeded),
            (0x1234_5678, .internal), (0xC037_01FF, .internal),
        ] as [(UInt32, DriverFailure.Code)])
    func codes(code: UInt32, expected: DriverFailure.Code) {
        let failure = refused(code).failure("container 'a'")
        #expect(failure.code == expected)
        #expect(failure.hresult == code)
        #expect(failure.operation == "HcsCreateComputeSystem")
        #expect(failure.message.contains("container 'a'"))
    }

    @Test func predicates() {
        for code: UInt32 in [0xC037_0110, 0x8037_0110, 0x8037_011F, 0x490, 0x7F] {
            #expect(refused(code).isAlreadyStopped)
        }
        for code: UInt32 in [0xC037_010E, 0x8037_010E, 0x490, 0x7F] { #expect(refused(code).isNotFound) }
        for code: UInt32 in [0xC037_010D, 0xD, 0x32, 0xC037_010B] { #expect(refused(code).isNotSupported) }
        #expect(refused(0xC037_0105).isInvalidState)
        #expect(!refused(0xC037_010F).isGone)
    }

    @Test func quotesWhatHCSSays() {
        let events = #"{"Error":-1,"ErrorMessage":"","ErrorEvents":[{"Message":"no disk"}]}"#
        #expect(refused(5, events).failure("x").driverMessage == "no disk")
        #expect(refused(5, events).failure("x").message.contains("no disk"))
        #expect(refused(5, "{broken").failure("x").driverMessage == nil)
        #expect(refused(5, #"{"ErrorMessage":"first","ErrorEvents":[]}"#).failure("x").driverMessage == "first")
    }

    @Test func eventsOfAResult() throws {
        let document = #"""
            {"Error":-1070137082,"ErrorMessage":"text","Attribution":[{"OperationFailure":{"Detail":"Construct"}}],
            "ErrorEvents":[{"Message":"one","StackTrace":"a\nb","Provider":"5d2b","EventId":65535,"Flags":4294967295,
            "Source":"vmcompute","Data":[{"Type":"String","Value":"x"}]},null,7,{"EventId":"1","Flags":-1,"Source":""},
            {"Message":"two","StackTrace":"","EventId":0}]}
            """#
        let failure = refused(5, document).failure("x")
        #expect(
            failure.errorEvents == [
                ErrorEvent(
                    message: "one", provider: "5d2b", eventID: 65535, flags: .max, stackTrace: "a\nb",
                    source: "vmcompute"), ErrorEvent(message: "two", eventID: 0),
            ])
        #expect(failure.errorEventsDropped == 0 && failure.driverMessage == "text")
        for nothing in [nil, "", "{", "[]", #"{"ErrorEvents":{}}"#, #"{"ErrorEvents":[[]]}"#] {
            #expect(refused(5, nothing).failure("x").errorEvents == [])
        }
    }

    /// A result document is the guest's and the host's, and may be of any size; a reply is not.
    @Test func eventsAreBounded() throws {
        func events(_ event: String, count: Int) throws -> (DriverFailure, size: Int) {
            let list = Array(repeating: event, count: count).joined(separator: ",")
            let failure = refused(5, "{\"ErrorEvents\":[\(list)]}").failure("x")
            let sizes = failure.errorEvents.flatMap { [$0.message, $0.provider, $0.stackTrace, $0.source] }
            return (failure, sizes.reduce(0) { $0 + ($1?.utf8.count ?? 0) })
        }
        let (many, _) = try events(#"{"Message":"m"}"#, count: 1000)
        #expect(many.errorEvents.count == 16 && many.errorEventsDropped == 984)
        let long = String(repeating: "é", count: 50_000)
        let fields = ["Message", "StackTrace", "Source", "Provider"].map { "\"\($0)\":\"\(long)\"" }
        let event = "{" + fields.joined(separator: ",") + "}"
        let (large, size) = try events(event, count: 5)
        #expect(large.errorEvents.count == 2 && large.errorEventsDropped == 3 && size <= 16_000)
        let first = try #require(large.errorEvents.first)
        #expect(first.message.hasSuffix("é…") && first.message.utf8.count == 1003)
        #expect(large.message.utf8.count < 3000)
    }

    // MARK: Signals

    @Test(
        arguments: [
            (.graceful, .control(.ctrlShutdown)), (.number(0), nil), (.number(1), .control(.ctrlBreak)),
            (.number(2), .control(.ctrlClose)), (.number(5), .control(.ctrlLogOff)),
            (.number(6), .control(.ctrlShutdown)),
            (.number(15), .control(.ctrlShutdown)), (.number(9), .kill), (.number(10), nil), (.number(-1), nil),
            (.name("KILL"), .kill), (.name("SIGKILL"), .kill), (.name("term"), .control(.ctrlShutdown)),
            (.name("INT"), .control(.ctrlC)), (.name("QUIT"), .control(.ctrlBreak)),
            (.name("HUP"), .control(.ctrlClose)),
            (.name("CTRLLOGOFF"), .control(.ctrlLogOff)), (.name("USR1"), nil),
        ] as [(Signal, Signals.Action?)])
    func signals(signal: Signal, action: Signals.Action?) {
        #expect(Signals.action(for: signal, .console) == action)
        let without: Signals.Action? = action == .kill || action == .control(.ctrlShutdown) ? .kill : nil
        #expect(Signals.actionWithoutSignals(for: signal, .console) == without)
    }

    /// 1 once arrived as QUIT and 2 as HUP, and 0 ended the container.
    @Test(
        arguments: [
            (0, nil), (1, .control(.ctrlClose)), (2, .control(.ctrlC)), (3, .control(.ctrlBreak)), (9, .kill),
            (15, .control(.ctrlShutdown)), (5, nil), (6, nil), (64, nil),
        ] as [(Int, Signals.Action?)])
    func numbersOfLinux(number: Int, action: Signals.Action?) {
        #expect(Signals.action(for: .number(number), .linux) == action)
    }
}
