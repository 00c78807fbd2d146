import CHostCompute

/// HCS behind its table, in Swift's terms: numbers for handles, typed errors, answers as text.
///
/// `@unchecked Sendable`: the table is filled before the driver exists and never written again, and HCS's functions may
/// be called from any thread.
struct HostCompute: @unchecked Sendable {
    /// How far a call has come.
    enum Progress: Sendable {
        case done
        /// Accepted; a notification will follow.
        case pending
    }

    private let table: UnsafePointer<HostComputeTable>

    init(table: UnsafePointer<HostComputeTable>) { self.table = table }

    /// Whether HcsSignalProcess is there; older systems have none.
    var signalsProcesses: Bool { table.pointee.HcsSignalProcess != nil }
    /// Whether HcsPauseComputeSystem and HcsResumeComputeSystem are there.
    var pauses: Bool { table.pointee.HcsPauseComputeSystem != nil && table.pointee.HcsResumeComputeSystem != nil }
    /// Whether HcsModifyComputeSystem is there.
    var modifiesSystems: Bool { table.pointee.HcsModifyComputeSystem != nil }
    /// Whether HcsGetServiceProperties is there.
    var tellsServiceProperties: Bool { table.pointee.HcsGetServiceProperties != nil }

    // MARK: Compute systems

    func enumerate(_ query: [UInt8]) throws(HostComputeError) -> String {
        try answer("HcsEnumerateComputeSystems") { text in
            withText(query) { hc_enumerate_systems(table, $0, &text) }
        }
    }

    /// A pending create has a valid handle too.
    func createSystem(_ id: String, _ document: [UInt8]) throws(HostComputeError) -> (handle: UInt, progress: Progress)
    {
        var handle: hc_handle = 0
        let progress = try check("HcsCreateComputeSystem") {
            withText(id) { id in withText(document) { hc_create_system(table, id, $0, &handle) } }
        }
        return (handle, progress)
    }

    func openSystem(_ id: String) throws(HostComputeError) -> UInt {
        var handle: hc_handle = 0
        try check("HcsOpenComputeSystem") { withText(id) { hc_open_system(table, $0, &handle) } }
        return handle
    }

    func closeSystem(_ system: UInt) throws(HostComputeError) {
        try check("HcsCloseComputeSystem") { hc_close_system(table, system) }
    }

    func start(_ system: UInt) throws(HostComputeError) -> Progress {
        try check("HcsStartComputeSystem") { hc_start_system(table, system) }
    }

    func shutDown(_ system: UInt) throws(HostComputeError) -> Progress {
        try check("HcsShutdownComputeSystem") { hc_shutdown_system(table, system) }
    }

    func terminate(_ system: UInt) throws(HostComputeError) -> Progress {
        try check("HcsTerminateComputeSystem") { hc_terminate_system(table, system) }
    }

    func pause(_ system: UInt) throws(HostComputeError) -> Progress {
        try check("HcsPauseComputeSystem") { hc_pause_system(table, system) }
    }

    func resume(_ system: UInt) throws(HostComputeError) -> Progress {
        try check("HcsResumeComputeSystem") { hc_resume_system(table, system) }
    }

    func properties(ofSystem system: UInt, _ query: [UInt8]) throws(HostComputeError) -> String {
        try answer("HcsGetComputeSystemProperties") { text in
            withText(query) { hc_system_properties(table, system, $0, &text) }
        }
    }

    func modify(system: UInt, _ document: [UInt8]) throws(HostComputeError) {
        try check("HcsModifyComputeSystem") { withText(document) { hc_modify_system(table, system, $0) } }
    }

    /// - Returns: the callback's handle.
    func register(system: UInt, number: UInt) throws(HostComputeError) -> UInt {
        var callback: hc_handle = 0
        try check("HcsRegisterComputeSystemCallback") { hc_register_system(table, system, number, &callback) }
        return callback
    }

    /// Blocks until running notifications have returned.
    func unregister(systemCallback callback: UInt) throws(HostComputeError) {
        try check("HcsUnregisterComputeSystemCallback") { hc_unregister_system(table, callback) }
    }

    // MARK: Processes

    func createProcess(
        _ system: UInt, _ document: [UInt8]
    ) throws(HostComputeError) -> (handle: UInt, information: hc_process_information) {
        var handle: hc_handle = 0
        var information = hc_process_information()
        try check("HcsCreateProcess") {
            withText(document) { hc_create_process(table, system, $0, &information, &handle) }
        }
        return (handle, information)
    }

    func openProcess(_ system: UInt, pid: UInt32) throws(HostComputeError) -> UInt {
        var handle: hc_handle = 0
        try check("HcsOpenProcess") { hc_open_process(table, system, pid, &handle) }
        return handle
    }

    func closeProcess(_ process: UInt) throws(HostComputeError) {
        try check("HcsCloseProcess") { hc_close_process(table, process) }
    }

    func terminate(process: UInt) throws(HostComputeError) {
        try check("HcsTerminateProcess") { hc_terminate_process(table, process) }
    }

    func signal(process: UInt, _ document: [UInt8]) throws(HostComputeError) {
        try check("HcsSignalProcess") { withText(document) { hc_signal_process(table, process, $0) } }
    }

    func information(ofProcess process: UInt) throws(HostComputeError) -> hc_process_information {
        var information = hc_process_information()
        try check("HcsGetProcessInfo") { hc_process_info(table, process, &information) }
        return information
    }

    func properties(ofProcess process: UInt) throws(HostComputeError) -> String {
        try answer("HcsGetProcessProperties") { hc_process_properties(table, process, &$0) }
    }

    func modify(process: UInt, _ document: [UInt8]) throws(HostComputeError) {
        try check("HcsModifyProcess") { withText(document) { hc_modify_process(table, process, $0) } }
    }

    /// - Returns: the callback's handle.
    func register(process: UInt, number: UInt) throws(HostComputeError) -> UInt {
        var callback: hc_handle = 0
        try check("HcsRegisterProcessCallback") { hc_register_process(table, process, number, &callback) }
        return callback
    }

    /// Blocks until running notifications have returned.
    func unregister(processCallback callback: UInt) throws(HostComputeError) {
        try check("HcsUnregisterProcessCallback") { hc_unregister_process(table, callback) }
    }

    // MARK: The service

    func serviceProperties(_ query: [UInt8]) throws(HostComputeError) -> String {
        try answer("HcsGetServiceProperties") { text in withText(query) { hc_service_properties(table, $0, &text) } }
    }

    func guid(ofName name: String) throws(HostComputeError) -> String {
        var guid = [CChar](repeating: 0, count: 37)
        try check("NameToGuid") { withText(name) { hc_name_to_guid(table, $0, &guid) } }
        return String(decoding: guid.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    // MARK: Conversion

    @discardableResult
    private func check(
        _ operation: StaticString, _ call: () -> hc_outcome
    ) throws(HostComputeError) -> Progress {
        let outcome = call()
        switch outcome.status {
        case HC_DONE: return .done
        case HC_PENDING: return .pending
        default: throw HostComputeError(operation, outcome)
        }
    }

    private func answer(
        _ operation: StaticString, _ call: (inout UnsafeMutablePointer<CChar>?) -> hc_outcome
    ) throws(HostComputeError) -> String {
        var text: UnsafeMutablePointer<CChar>?
        try check(operation) { call(&text) }
        // A success without a document is HCS's mistake; it must not read as an answer.
        guard let text else { throw HostComputeError(operation, .noDocument) }
        defer { hc_free(text) }
        return String(cString: text)
    }

    private func withText(_ bytes: [UInt8], _ body: (hc_text) -> hc_outcome) -> hc_outcome {
        bytes.withUnsafeBytes { buffer in
            body(hc_text(bytes: buffer.baseAddress?.assumingMemoryBound(to: CChar.self), length: buffer.count))
        }
    }

    private func withText(_ string: String, _ body: (hc_text) -> hc_outcome) -> hc_outcome {
        var string = string
        return string.withUTF8 { buffer in
            UnsafeRawBufferPointer(buffer).withMemoryRebound(to: CChar.self) { characters in
                body(hc_text(bytes: characters.baseAddress, length: characters.count))
            }
        }
    }
}
