import CHostCompute
import Foundation
import HostComputeEmulator
import Testing

extension EmulatorTests {
    @Suite("Processes are real", .bothWays)
    struct ProcessTests {
        @Test func environmentIsMinimalAndOverlaid() throws {
            setenv("WORKER_SECRET", "x", 1)
            let system = try TestSystem()
            let process = try system.shell("env", ["Environment": ["A": "1=2", "LANG": "de"]])
            let lines = Set(TestProcess.readAll(process.output).split(separator: "\n").map(String.init))
            let home = "HOME=\(Host.root)/layers/\(system.id)"
            let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            let own = lines.filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("_=") }
            #expect(own == Set([home, path, "LANG=de", "A=1=2"]))
        }

        @Test func workingDirectoryIsTheScratchFolderUnlessNamed() throws {
            let system = try TestSystem()
            let scratch = "\(Host.root)/layers/\(system.id)"
            let unnamed = try system.shell("pwd")
            #expect(TestProcess.readAll(unnamed.output) == "\(scratch)\n")
            let named = try system.shell("pwd", ["WorkingDirectory": "/usr"])
            #expect(TestProcess.readAll(named.output) == "/usr\n")
        }

        @Test func programIsFoundInThePathOfItsEnvironment() throws {
            let system = try TestSystem()
            let script = "\(Host.root)/layers/\(system.id)/only-here"
            try "#!/bin/sh\nexit 6\n".write(toFile: script, atomically: true, encoding: .utf8)
            chmod(script, 0o755)
            #expect(system.createProcess(["CommandLine": "only-here"]).answer.code == 0x8007_0002)
            let environment = ["PATH": "/bin:\(Host.root)/layers/\(system.id)"]
            let (answer, process) = system.createProcess(["CommandLine": "only-here", "Environment": environment])
            #expect(answer.code == Host.success)
            #expect(try process?.exitCode() == 6)
            chmod(script, 0o644)
            let denied = system.createProcess(["CommandLine": "only-here", "Environment": environment])
            #expect(denied.answer.code == 0x8007_0005)
        }

        @Test func descriptorsAndSignalsOfTheWorkerStayOut() throws {
            let leaked = open("/etc/passwd", O_RDONLY)
            defer { close(leaked) }
            let ignored = signal(SIGUSR1, SIG_IGN)
            defer { signal(SIGUSR1, ignored) }
            let system = try TestSystem()
            let process = try system.shell("ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status")
            let output = TestProcess.readAll(process.output)
            // 3 is the folder that ls itself has open.
            #expect(output.hasPrefix("0 1 2 3 "))
            #expect(output.contains("SigBlk:\t0000000000000000"))
            // The C library may leave its two own signals (32, 33) ignored.
            let ignoredSignals = try #require(output.firstMatch(of: /SigIgn:\t([0-9a-f]{16})/)?.1)
            #expect(try #require(UInt64(ignoredSignals, radix: 16)) & ~0x1_8000_0000 == 0)
        }

        @Test func exitCodes() throws {
            let system = try TestSystem()
            #expect(try system.shell("exit 255").exitCode() == 255)
            #expect(try system.shell("kill -SEGV $$").exitCode() == 128 + 11)
        }

        @Test func errorHasItsOwnPipe() throws {
            let process = try TestSystem().shell("echo out; echo err >&2")
            #expect(TestProcess.readAll(process.output) == "out\n")
            #expect(TestProcess.readAll(process.error) == "err\n")
        }

        @Test func aWriterLearnsThatItsReaderHasGone() throws {
            let system = try TestSystem()
            let (_, process) = system.createProcess(["CommandLine": "/usr/bin/yes", "CreateStdOutPipe": true])
            let yes = try #require(process)
            _ = TestProcess.read(yes.output) { !$0.isEmpty }
            let reader = dup(yes.output)
            #expect(dup2(open("/dev/null", O_RDONLY), yes.output) == yes.output)
            close(reader)
            #expect(try yes.exitCode() == 128 + 13)
        }

        @Test func openByProcessID() throws {
            let system = try TestSystem()
            let process = try system.shell("exec sleep 1000")
            var opened: HcsProcess?
            var result: UnsafeMutablePointer<HcsChar>?
            #expect(Host.table.HcsOpenProcess?(system.handle, UInt32(process.pid), &opened, &result) == 0)
            #expect(Host.table.HcsTerminateProcess?(opened, &result) == 0)
            #expect(try process.exitCode() == 137)
            #expect(Host.table.HcsCloseProcess?(opened) == 0)
            #expect(Host.table.HcsCloseProcess?(opened) == HcsResult(bitPattern: 0x8007_0006))
        }

        @Test func closingAHandleKillsNothing() throws {
            let system = try TestSystem()
            var pid: Int32 = 0
            do {
                let process = try system.shell("exec sleep 1000")
                pid = process.pid
            }
            #expect(!Host.processIsGone(pid))
            #expect(Host.parse(system.properties(#"{"PropertyTypes":["ProcessList"]}"#).document)["ProcessList"] != nil)
            _ = system.terminate()
            #expect(system.recorder.wait(for: 1) != nil)
            #expect(Host.processIsGone(pid))
        }

        @Test func manyAtOnce() throws {
            let system = try TestSystem()
            let processes = try (0..<50).map { _ in
                try system.shell("read code; exit $code", ["User": "\(geteuid())"])
            }
            for (number, process) in processes.enumerated() { process.write("\(number)\n") }
            for (number, process) in processes.enumerated() { #expect(try process.exitCode() == UInt32(number)) }
        }
    }

    @Suite("Consoles are pseudo-terminals", .bothWays)
    struct ConsoleTests {
        private func console(_ system: TestSystem, _ script: String, size: [Int]? = nil) throws -> TestProcess {
            var changes: [String: Any] = ["EmulateConsole": true]
            changes["ConsoleSize"] = size
            return try system.shell(script, changes)
        }

        @Test func sizeAndControllingTerminal() throws {
            let system = try TestSystem()
            let standard = try console(system, "stty size; tty; echo $TERM; : > /dev/tty && echo controls")
            let lines = TestProcess.readAll(standard.output).split(whereSeparator: \.isNewline)
            #expect(lines.first == "25 80")
            #expect(lines.count == 4 && lines[1].hasPrefix("/dev/pts/"))
            #expect(lines.dropFirst(2) == ["xterm", "controls"])
            let sized = try console(system, "stty size", size: [40, 100])
            #expect(TestProcess.readAll(sized.output) == "40 100\r\n")
        }

        @Test func resize() throws {
            let system = try TestSystem()
            let process = try console(
                system, "trap 'stty size; exit 0' WINCH; echo ready; while :; do sleep 0.01; done")
            _ = TestProcess.read(process.output) { $0.contains("ready") }
            let request = #"{"Operation":"ConsoleSize","ConsoleSize":{"Height":50,"Width":132}}"#
            #expect(process.modify(request).code == Host.success)
            #expect(TestProcess.readAll(process.output).contains("50 132"))
            let plain = try system.shell("exec sleep 1000")
            #expect(plain.modify(request).code == 0x8007_0032)
            #expect(plain.modify(#"{"Operation":"ConsoleSize"}"#).code == 0xC037_010D)
            #expect(plain.modify(#"{"Operation":"Other"}"#).code == 0x8007_0057)
        }

        @Test func closingTheInputTypesEndOfFile() throws {
            let process = try console(try TestSystem(), "cat; echo end")
            process.write("a\n")
            #expect(TestProcess.read(process.output) { $0.hasSuffix("a\r\na\r\n") } == "a\r\na\r\n")
            #expect(process.closeHandle("StdIn").code == Host.success)
            #expect(TestProcess.readAll(process.output).contains("end"))
            #expect(try process.exitCode() == 0)
        }

        @Test func interruptReachesTheForeground() throws {
            let process = try console(
                try TestSystem(), "trap 'exit 7' INT; echo ready; while :; do sleep 0.01; done")
            _ = TestProcess.read(process.output) { $0.contains("ready") }
            process.write("\u{3}")
            #expect(try process.exitCode() == 7)
        }
    }
}
