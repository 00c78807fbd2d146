/// Why the emulator refused its settings, in words for a person.
public struct ConfigurationFailure: Error, CustomStringConvertible {
    /// What is wrong, with the name of the file or folder.
    public let description: String
    /// Whether it can pass by itself: a service that does not answer may be starting.
    public let canPass: Bool

    init(description: String, canPass: Bool = false) {
        self.description = description
        self.canPass = canPass
    }
}
