/// A request to change a process (HostComputeService D.6).
struct ProcessModification: Decodable {
    let operation: String?
    let consoleSize: Size?
    let closeHandle: Stream?

    private enum CodingKeys: String, CodingKey {
        case operation = "Operation"
        case consoleSize = "ConsoleSize"
        case closeHandle = "CloseHandle"
    }

    /// A console's new size.
    struct Size: Decodable {
        let height: Int64?
        let width: Int64?

        private enum CodingKeys: String, CodingKey {
            case height = "Height"
            case width = "Width"
        }
    }

    /// The stream to close.
    struct Stream: Decodable {
        let handle: String?

        private enum CodingKeys: String, CodingKey {
            case handle = "Handle"
        }
    }
}
