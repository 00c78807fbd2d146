/// The size of a console, in characters.
struct ConsoleSize: Sendable {
    static let standard = ConsoleSize(height: 25, width: 80)

    var height: UInt16
    var width: UInt16
}
