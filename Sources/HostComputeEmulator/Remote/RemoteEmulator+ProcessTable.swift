import CHostCompute

/// The functions of the table about processes, answered by the service.
extension RemoteEmulator {
    static func fillProcesses(_ table: inout HostComputeTable) {
        table.HcsCreateProcess = { system, parameters, information, process, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let handle = try HostAnswer.required(process, "process")
                handle.pointee = nil
                let information = try HostAnswer.required(information, "processInformation")
                information.pointee = HcsProcessInformation()
                let parameters = try HostAnswer.required(parameters, "processParameters")
                let entry = try emulator.entry(system, .system)
                // Looked at first: a process that runs and whose streams this side cannot take has to be ended again.
                guard FileDescriptor.areFree(Frame.mostDescriptors) else {
                    throw ProcessStreams.exhausted("descriptor")
                }
                let answer = try emulator.call(.createProcess, system, .system, parameters)
                RemoteEmulator.write(answer, to: information)
                emulator.give(answer, entry, to: handle)
                return answer
            }
        }
        table.HcsOpenProcess = { system, pid, process, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let handle = try HostAnswer.required(process, "process")
                handle.pointee = nil
                let entry = try emulator.entry(system, .system)
                let answer = try emulator.call(.openProcess, system, .system, integer: UInt64(pid))
                emulator.give(answer, entry, to: handle)
                return answer
            }
        }
        table.HcsCloseProcess = { process in
            RemoteEmulator.give { (emulator) throws(HostFailure) in
                try emulator.close(.closeProcess, process, .process)
            }
        }
        table.HcsRegisterProcessCallback = { process, callback, context, handle in
            RemoteEmulator.give { (emulator) throws(HostFailure) in
                let out = try HostAnswer.required(handle, "callbackHandle")
                out.pointee = nil
                let callback = try HostAnswer.required(callback, "callback")
                let registration = Registration(callback: callback, context: context, handle: UInt(bitPattern: process))
                return try emulator.register(.registerProcessCallback, process, .process, registration) {
                    out.pointee = $0
                }
            }
        }
        table.HcsUnregisterProcessCallback = { callback in
            RemoteEmulator.give { (emulator) throws(HostFailure) in
                try emulator.close(.unregisterProcessCallback, callback, .processCallback)
            }
        }
    }

    static func fillProcessHandles(_ table: inout HostComputeTable) {
        table.HcsTerminateProcess = { process, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                try emulator.call(.terminateProcess, process, .process)
            }
        }
        table.HcsSignalProcess = { process, options, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                try emulator.call(.signalProcess, process, .process, options)
            }
        }
        table.HcsGetProcessInfo = { process, information, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let information = try HostAnswer.required(information, "processInformation")
                information.pointee = HcsProcessInformation()
                let answer = try emulator.call(.getProcessInfo, process, .process)
                RemoteEmulator.write(answer, to: information)
                return answer
            }
        }
        table.HcsGetProcessProperties = { process, properties, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let properties = try HostAnswer.required(properties, "properties")
                properties.pointee = nil
                let answer = try emulator.call(.getProcessProperties, process, .process)
                try RemoteEmulator.write(answer.text, to: properties)
                return answer
            }
        }
        table.HcsModifyProcess = { process, settings, result in
            RemoteEmulator.give(result) { (emulator) throws(HostFailure) in
                let settings = try HostAnswer.required(settings, "settings")
                return try emulator.call(.modifyProcess, process, .process, settings)
            }
        }
    }

    /// Gives a handle of this side for the process that the answer brings.
    private func give(
        _ answer: RemoteAnswer, _ system: RemoteHandle, to handle: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    ) {
        guard answer.handle != 0 else { return }
        let own = handles.add(
            RemoteHandle(
                kind: .process, connection: system.connection, remote: answer.handle, systemID: system.systemID))
        handle.pointee = UnsafeMutableRawPointer(bitPattern: own)
    }

    private static func write(_ answer: RemoteAnswer, to information: UnsafeMutablePointer<HcsProcessInformation>) {
        let stream = { (descriptor: Int32) in
            descriptor < 0 ? nil : UnsafeMutableRawPointer(bitPattern: Int(descriptor))
        }
        information.pointee = HcsProcessInformation(
            ProcessId: answer.pid, Reserved: 0, StdInput: stream(answer.streams[0]),
            StdOutput: stream(answer.streams[1]), StdError: stream(answer.streams[2]))
    }
}
