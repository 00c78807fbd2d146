import CHostCompute
import Foundation
import HostComputeEmulator
import Testing

extension EmulatorTests {
    /// HostComputeService I.2, lines 8 to 15: processes.
    @Suite("I.2: checklist, processes", .bothWays)
    struct ProcessChecklistTests {
        @Test("8 and 9: settable exit code of the terminated; operations on the exited")
        func line8And9() throws {
            let system = try TestSystem()
            let process = try system.shell("exec sleep 1000")
            #expect(process.terminate().code == Host.success)
            #expect(try process.exitCode() == 137)
            #expect(process.terminate().code == 0x8007_0490)
            #expect(process.signal("CtrlC").code == 0x8007_0490)
            #expect(process.closeHandle("StdIn").code == 0x8007_0490)
            var opened: HcsProcess?
            var result: UnsafeMutablePointer<HcsChar>?
            let code = Host.table.HcsOpenProcess?(system.handle, UInt32(process.pid), &opened, &result) ?? 0
            #expect(Answer(code, result).code == 0x8007_0490)

            var settings = Host.settings(root: Host.root)
            settings.terminatedExitCode = 0xC000_013A
            settings.answersProcessAlreadyStopped = true
            try HostComputeEmulator.configure(settings)
            defer { try? HostComputeEmulator.configure(Host.settings(root: Host.root)) }
            let newer = try TestSystem()
            let other = try newer.shell("exec sleep 1000")
            #expect(other.terminate().code == Host.success)
            #expect(try other.exitCode() == 0xC000_013A)
            #expect(other.terminate().code == 0x8037_011F)
        }

        @Test("10: program not found, not executable, bad working directory")
        func line10() throws {
            let system = try TestSystem()
            let cases: [([String: Any], UInt32, String)] = [
                (["CommandLine": "no-such-program x"], 0x8007_0002, "no-such-program"),
                (["CommandLine": "/no/such/program"], 0x8007_0002, "/no/such/program"),
                (["CommandLine": "/etc/passwd"], 0x8007_0005, "/etc/passwd"),
                (["CommandLine": "/bin/true", "WorkingDirectory": "/no/such"], 0x8007_010B, "/no/such"),
                (["CommandLine": "/bin/true", "WorkingDirectory": "/etc/passwd"], 0x8007_010B, "/etc/passwd"),
                (["CommandLine": "/bin/true", "User": "no-such-user"], 0x8007_0525, "no-such-user"),
                (["CommandLine": ""], 0x8007_0057, "CommandLine"),
                ([:], 0x8007_0057, "CommandLine"),
            ]
            for (document, code, name) in cases {
                let (answer, process) = system.createProcess(document)
                #expect(answer.code == code, "\(document)")
                #expect(process == nil)
                let events = Host.parse(answer.result)["ErrorEvents"] as? [[String: Any]]
                let message = events?.first?["Message"] as? String ?? ""
                #expect(message.contains(name), "\(message)")
                #expect(Host.parse(answer.result)["Error"] as? Int == Int(Int32(bitPattern: code)))
            }
        }

        @Test("11: unparsable documents and NULL pointers")
        func line11() throws {
            let (answer, handle) = Host.create(Host.newID(), "{not JSON")
            #expect(answer.code == 0xC037_010D)
            #expect(answer.result != nil)
            #expect(handle == nil)
            let id = Host.newID()
            _ = try TestSystem(id, document: Host.document(id, ["UnknownField": ["a": 1]]))
            let system = try TestSystem()
            let invalid = HcsResult(bitPattern: 0x8007_0057)
            var result: UnsafeMutablePointer<HcsChar>?
            var out: HcsSystem?
            #expect(Host.table.HcsCreateComputeSystem?(nil, Host.wide("{}"), nil, &out, &result) == invalid)
            _ = Host.take(result)
            #expect(Host.table.HcsCreateComputeSystem?(Host.wide("x"), nil, nil, &out, &result) == invalid)
            _ = Host.take(result)
            #expect(Host.table.HcsCreateComputeSystem?(Host.wide("x"), Host.wide("{}"), nil, nil, &result) == invalid)
            _ = Host.take(result)
            #expect(Host.table.HcsOpenComputeSystem?(nil, &out, &result) == invalid)
            _ = Host.take(result)
            #expect(Host.table.HcsGetComputeSystemProperties?(system.handle, nil, nil, &result) == invalid)
            _ = Host.take(result)
            #expect(Host.table.HcsRegisterComputeSystemCallback?(system.handle, nil, nil, &out) == invalid)
            #expect(Host.table.HcsCreateProcess?(system.handle, nil, nil, nil, &result) == invalid)
            _ = Host.take(result)
            let stale = HcsResult(bitPattern: 0x8007_0006)
            #expect(Host.table.HcsStartComputeSystem?(nil, nil, &result) == stale)
            _ = Host.take(result)
            #expect(Host.table.HcsCloseComputeSystem?(nil) == stale)
            #expect(Host.table.HcsCloseProcess?(system.handle) == stale)
        }

        @Test("12: only the pipes that were asked for")
        func line12() throws {
            let system = try TestSystem()
            let (_, none) = system.createProcess(["CommandLine": "/bin/true"])
            #expect(none?.input == 0 && none?.output == 0 && none?.error == 0)
            let (_, some) = system.createProcess(["CommandLine": "/bin/true", "CreateStdErrPipe": true])
            #expect(some?.input == 0 && some?.output == 0 && some?.error ?? 0 > 2)
            let (_, console) = system.createProcess([
                "CommandLine": "/bin/true", "CreateStdInPipe": true, "CreateStdOutPipe": true,
                "CreateStdErrPipe": true, "EmulateConsole": true,
            ])
            #expect(console?.input ?? 0 > 2 && console?.output ?? 0 > 2 && console?.error == 0)
        }

        @Test("13: GetProcessInfo hands out duplicates")
        func line13() throws {
            let system = try TestSystem()
            let process = try system.shell("cat; exit 5")
            let (answer, information) = process.information()
            #expect(answer.code == Host.success)
            #expect(information.ProcessId == UInt32(process.pid))
            let input = TestProcess.descriptor(information.StdInput)
            let output = TestProcess.descriptor(information.StdOutput)
            let error = TestProcess.descriptor(information.StdError)
            #expect(Set([input, output, error, process.input, process.output, process.error]).count == 6)
            #expect(write(input, "x\n", 2) == 2)
            #expect(TestProcess.read(output) { $0 == "x\n" } == "x\n")
            close(input)
            close(output)
            close(error)
            process.closeInput()
            #expect(process.closeHandle("StdIn").code == Host.success)
            #expect(try process.exitCode() == 5)
        }

        @Test("14: end of input comes with CloseHandle only")
        func line14() throws {
            let system = try TestSystem()
            let process = try system.shell("cat; echo end")
            process.write("a\n")
            process.closeInput()
            #expect(TestProcess.read(process.output) { $0.contains("a\n") } == "a\n")
            var query = pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)
            #expect(poll(&query, 1, 50) == 0)
            #expect(process.closeHandle("StdIn").code == Host.success)
            #expect(TestProcess.readAll(process.output) == "end\n")
            #expect(try process.exitCode() == 0)
        }

        @Test("15: the five signals and no other")
        func line15() throws {
            let system = try TestSystem()
            let signals = ["CtrlC": "INT", "CtrlBreak": "QUIT", "CtrlClose": "HUP", "CtrlLogOff": "HUP"]
                .merging(["CtrlShutdown": "TERM"]) { $1 }
            for (name, signal) in signals {
                let process = try system.shell(
                    "trap 'echo got; exit 9' \(signal); echo ready; while :; do sleep 0.01; done")
                #expect(TestProcess.read(process.output) { $0.contains("ready") } == "ready\n")
                #expect(process.signal(name).code == Host.success)
                #expect(try process.exitCode() == 9, "\(name)")
            }
            let process = try system.shell("exec sleep 1000")
            for name in ["", "ctrlc", "SIGKILL", "9"] { #expect(process.signal(name).code == 0x8007_0057) }
            #expect(process.signal("CtrlShutdown").code == Host.success)
            #expect(try process.exitCode() == 128 + 15)
        }
    }
}
