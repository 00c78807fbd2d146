import ContainerModel
import ArgumentParser
import ContainerProtocol

/// One end of `cp`: a path here, a path in a container, or a tar archive on a standard stream. Pure.
enum CopyPlace: ExpressibleByArgument, Sendable, Equatable {
    case local(String)
    case container(ContainerID, String)
    case stream

    /// `NAME:PATH` is in a container, `-` an archive; everything else is a path here, as is what has a slash before the
    /// colon.
    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        if argument == "-" {
            self = .stream
            return
        }
        guard let colon = argument.firstIndex(of: ":"), let id = ContainerID(String(argument[..<colon])),
            // A drive of Windows is no container.
            !(colon == argument.index(after: argument.startIndex) && argument[colon...].hasPrefix(":\\"))
        else {
            self = .local(argument)
            return
        }
        let path = String(argument[argument.index(after: colon)...])
        self = .container(id, path.isEmpty ? "/" : path)
    }
}

/// A path as `cp` reads it: the folder that it is in, its last part, and what its end says. Pure.
struct CopyPath: Sendable, Equatable {
    let text: String
    /// Where the last part is.
    let folder: String
    /// The last part.
    let name: String
    /// Whether it ends with a slash: then it must be a folder.
    let mustBeFolder: Bool
    /// Whether it means what is in the folder and not the folder itself: `DIR/.`.
    let isContents: Bool

    init(_ text: String) {
        var parts = text.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        let last = parts.last
        isContents = last == "." || text == "/"
        mustBeFolder = text.hasSuffix("/") || isContents || last == ".."
        if last == ".", parts.count > 1 || text.hasPrefix("/") { parts.removeLast() }
        let start = text.hasPrefix("/") ? "/" : ""
        self.text = parts.isEmpty ? (start.isEmpty ? "." : start) : start + parts.joined(separator: "/")
        name = parts.last ?? "."
        let above = parts.dropLast().joined(separator: "/")
        folder = start + above == "" ? "." : start + above
    }

    /// The path of `name` in it.
    func appending(_ name: String) -> String { text == "/" ? "/" + name : text + "/" + name }
}
