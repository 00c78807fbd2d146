import CHostCompute
import HostComputeEmulator
import Testing

extension EmulatorTests {
    /// Every row and column of HostComputeService I.1.
    @Suite("I.1: states", .bothWays)
    struct StateTests {
        enum State: String, CaseIterable { case created, running, paused, stopped }

        private func system(in state: State, hyperV: Bool = true) throws -> TestSystem {
            let id = Host.newID("state")
            let document = hyperV ? Host.hyperV(id) : Host.document(id)
            let system = try TestSystem(id, document: document, start: state != .created)
            switch state {
            case .created, .running: break
            case .paused:
                try #require(system.pause().code == Host.pending)
                try #require(system.recorder.wait(for: 4)?.status == 0)
            case .stopped:
                try #require(system.terminate().code == Host.pending)
                try #require(system.recorder.wait(for: 1)?.status == 0)
            }
            return system
        }

        @Test(arguments: State.allCases)
        func start(_ state: State) throws {
            let system = try system(in: state)
            let answer = system.start()
            switch state {
            case .created:
                #expect(answer.code == Host.pending)
                #expect(system.recorder.wait(for: 3)?.status == 0)
                #expect(system.state == "Running")
            case .running, .paused: #expect(answer.code == Host.invalidState)
            case .stopped: #expect(answer.code == Host.alreadyStopped)
            }
        }

        @Test(arguments: State.allCases)
        func createProcess(_ state: State) throws {
            let system = try system(in: state)
            let (answer, process) = system.createProcess(["CommandLine": "/bin/true"])
            switch state {
            case .running:
                #expect(answer.code == Host.success)
                #expect(try process?.exitCode() == 0)
            case .created, .paused: #expect(answer.code == Host.invalidState)
            case .stopped: #expect(answer.code == Host.alreadyStopped)
            }
            #expect((process != nil) == (state == .running))
        }

        @Test(arguments: State.allCases)
        func pause(_ state: State) throws {
            let system = try system(in: state)
            let answer = system.pause()
            switch state {
            case .running:
                #expect(answer.code == Host.pending)
                #expect(system.recorder.wait(for: 4)?.status == 0)
                #expect(system.state == "Paused")
            case .created, .paused: #expect(answer.code == Host.invalidState)
            case .stopped: #expect(answer.code == Host.alreadyStopped)
            }
        }

        @Test func pauseOfProcessIsolation() throws {
            let system = try system(in: .running, hyperV: false)
            #expect(system.pause().code == 0x8007_0032)
            #expect(system.state == "Running")
        }

        @Test(arguments: State.allCases)
        func resume(_ state: State) throws {
            let system = try system(in: state)
            let answer = system.resume()
            switch state {
            case .paused:
                #expect(answer.code == Host.pending)
                #expect(system.recorder.wait(for: 5)?.status == 0)
                #expect(system.state == "Running")
            case .created, .running: #expect(answer.code == Host.invalidState)
            case .stopped: #expect(answer.code == Host.alreadyStopped)
            }
        }

        @Test(arguments: State.allCases)
        func shutdown(_ state: State) throws {
            let system = try system(in: state)
            let answer = system.shutdown()
            switch state {
            case .running:
                #expect(answer.code == Host.pending)
                let exited = try #require(system.recorder.wait(for: 1))
                #expect(exited.status == 0)
                #expect(Host.parse(exited.data)["ExitType"] as? String == "GracefulExit")
            case .created, .paused: #expect(answer.code == Host.invalidState)
            case .stopped: #expect(answer.code == Host.alreadyStopped)
            }
        }

        @Test(arguments: State.allCases)
        func terminate(_ state: State) throws {
            let system = try system(in: state)
            let answer = system.terminate()
            guard state != .stopped else {
                #expect(answer.code == Host.alreadyStopped)
                return
            }
            #expect(answer.code == Host.pending)
            let exited = try #require(system.recorder.wait(for: 1))
            #expect(exited.status == 0)
            #expect(Host.parse(exited.data)["ExitType"] as? String == "ForcedExit")
        }

        @Test(arguments: State.allCases)
        func getProperties(_ state: State) throws {
            let system = try system(in: state)
            let (answer, document) = system.properties()
            #expect(answer.code == Host.success)
            #expect(Host.parse(document)["State"] as? String == state.rawValue.capitalized)
        }

        @Test(arguments: State.allCases)
        func openByID(_ state: State) throws {
            let system = try system(in: state)
            let (answer, handle) = Host.open(system.id)
            #expect(answer.code == Host.success)
            #expect(Host.table.HcsCloseComputeSystem?(handle) == 0)
            if state == .stopped {
                system.close()
                #expect(Host.open(system.id).answer.code == 0xC037_010E)
            }
        }

        @Test(arguments: State.allCases)
        func createTheSameID(_ state: State) throws {
            let system = try system(in: state)
            let (answer, handle) = Host.create(system.id, Host.document(system.id))
            #expect(answer.code == 0xC037_010F)
            #expect(handle == nil)
            if state == .stopped {
                system.close()
                _ = try TestSystem(system.id)
            }
        }

        @Test func saveIsNotImplemented() throws {
            #expect(try system(in: .running).save().code == 0x8000_4001)
        }

        @Test func aCallInAPhaseBetweenIsRefused() throws {
            let system = try system(in: .created)
            let stall = hold(.startComputeSystem, system.id)
            defer { stall.release() }
            #expect(system.start().code == Host.pending)
            #expect(system.start().code == Host.invalidState)
            #expect(system.state == "Created")
            #expect(system.terminate().code == Host.pending)
            #expect(system.recorder.wait(for: 1)?.status == 0)
            stall.release()
            #expect(system.recorder.wait(for: 3)?.status == 0xC037_0100)
        }
    }
}
