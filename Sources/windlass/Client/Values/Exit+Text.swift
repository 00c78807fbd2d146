import ContainerModel

extension Exit {
    /// The code; large ones, which are Windows' NTSTATUS values, with the name that people search for.
    var codeText: String {
        guard code > 0xFFFF else { return String(code) }
        let name = Exit.statusNames[code].map { " \($0)" } ?? ""
        return "\(code) (0x\(String(code, radix: 16, uppercase: true))\(name))"
    }

    /// How it ended, for a table.
    var brief: String {
        let code = known ? codeText : "unknown"
        return reason == .exited ? code : "\(code) \(reason.rawValue)"
    }

    /// How it looks: only a clean end is quiet.
    var style: Table.Style { known && code == 0 ? .dim : .red }

    private static let statusNames: [UInt32: String] = [
        0x4001_0004: "DBG_TERMINATE_PROCESS",
        0x8000_0003: "STATUS_BREAKPOINT",
        0xC000_0005: "STATUS_ACCESS_VIOLATION",
        0xC000_0017: "STATUS_NO_MEMORY",
        0xC000_001D: "STATUS_ILLEGAL_INSTRUCTION",
        0xC000_0094: "STATUS_INTEGER_DIVIDE_BY_ZERO",
        0xC000_00FD: "STATUS_STACK_OVERFLOW",
        0xC000_0135: "STATUS_DLL_NOT_FOUND",
        0xC000_013A: "STATUS_CONTROL_C_EXIT",
        0xC000_0142: "STATUS_DLL_INIT_FAILED",
        0xC000_0374: "STATUS_HEAP_CORRUPTION",
        0xC000_0409: "STATUS_STACK_BUFFER_OVERRUN",
    ]
}
