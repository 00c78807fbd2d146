/// The types of notification that the emulator sends on its own account: an older client blocks for ever on any other
/// (HostComputeService C.1).
enum NotificationType {
    static let systemExited: UInt32 = 0x1
    static let systemCreateCompleted: UInt32 = 0x2
    static let systemStartCompleted: UInt32 = 0x3
    static let systemPauseCompleted: UInt32 = 0x4
    static let systemResumeCompleted: UInt32 = 0x5
    static let processExited: UInt32 = 0x1_0000
    static let serviceDisconnect: UInt32 = 0x100_0000
}
