import Foundation

/// The directory with a file for each key that may come in.
package struct ClientDirectory: Sendable {
    package let path: String

    package init(_ path: String) { self.path = path }

    /// What is seen of the directory without opening its files: it changes when a file is written, renamed or removed.
    package struct Signature: Sendable, Equatable {
        fileprivate var directory: FileSignature?
        fileprivate var files: [String: FileSignature] = [:]
    }

    /// What was read.
    package struct Contents: Sendable {
        package var files: [ClientFile] = []
        /// Files that cannot be used, by name, and why. The directory itself is `.`.
        package var broken: [String: String] = [:]
    }

    /// The most files that are read.
    private static let limit = 10_000

    /// Looks at the directory.
    package var signature: Signature {
        var signature = Signature()
        signature.directory = FileSignature(path)
        for name in names.prefix(ClientDirectory.limit) { signature.files[name] = FileSignature(path + "/" + name) }
        return signature
    }

    private var names: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [])
            .filter { $0.hasSuffix(ClientFile.suffix) && !$0.hasPrefix(".") }.sorted()
    }

    /// Reads every file. One that cannot be used harms no other.
    package func read() -> Contents {
        var contents = Contents()
        #if !os(Windows)
            var status = stat()
            guard stat(path, &status) == 0 else {
                contents.broken["."] = "the directory \(path) cannot be read: \(FileTrouble(path))"
                return contents
            }
            do {
                try KeyFile.check(status, path, .publicKey)
                try KeyFile.checkFolders(of: path)
            } catch {
                contents.broken["."] = "no key in the directory \(path) is used: \(error)"
                return contents
            }
        #endif
        let names = names
        for name in names.prefix(ClientDirectory.limit) {
            do {
                contents.files.append(
                    try ClientFile(fileName: name, try KeyFile.read(path + "/" + name, .publicKey)))
            } catch let error as KeyFile.Trouble {
                contents.broken[name] = error.description
            } catch let error as ClientFile.Unusable {
                contents.broken[name] = error.description
            } catch {
                contents.broken[name] = "\(error)"
            }
        }
        if names.count > ClientDirectory.limit {
            contents.broken["."] = "only the first \(ClientDirectory.limit) of \(names.count) files are read"
        }
        return contents
    }
}
