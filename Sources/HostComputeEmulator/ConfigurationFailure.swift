/// Why the emulator refused its settings, in words for a person.
public struct ConfigurationFailure: Error, CustomStringConvertible {
    /// What is wrong, with the name of the file or folder.
    public let description: String
}
