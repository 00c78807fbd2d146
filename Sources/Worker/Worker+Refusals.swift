import Foundation

/// What a start would refuse, found without one.
extension Worker {
    /// Everything in the configuration that a worker would refuse, as far as it shows without making anything.
    public static func refusals(_ configuration: WorkerConfiguration) -> [String] {
        var refusals = endpointRefusals(configuration)
        if let path = configuration.access.serverKey {
            do {
                _ = try ServerKey.read(path)
            } catch {
                refusals.append(error.description)
            }
        }
        if let refusal = StateDirectory.refusal(configuration.stateDirectory) { refusals.append(refusal) }
        return refusals
    }
}

extension StateDirectory {
    /// What is in the way of a state directory at `path`; nil where it is there, or could be made.
    static func refusal(_ path: String) -> String? {
        var isFolder: ObjCBool = false
        var url = URL(fileURLWithPath: path).standardizedFileURL
        // The folder, or the nearest one above it that is there.
        while !FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), url.path != "/" {
            let above = url.deletingLastPathComponent().standardizedFileURL
            guard above.path != url.path else { break }
            url = above
        }
        guard isFolder.boolValue else { return "the state directory \(path) cannot be made: \(url.path) is no folder" }
        guard FileManager.default.isWritableFile(atPath: url.path) else {
            return "the state directory \(path) cannot be used: this user may not write to \(url.path)"
        }
        return nil
    }
}
