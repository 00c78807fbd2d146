/// A request to change a process (HostComputeService D.6).
struct ProcessModification: Decodable {
    let operation: String?
    let consoleSize: Size?
    let closeHandle: Stream?

    /// A console's new size.
    struct Size: Decodable {
        let height: Int64?
        let width: Int64?
    }

    /// The stream to close.
    struct Stream: Decodable {
        let handle: String?
    }
}
