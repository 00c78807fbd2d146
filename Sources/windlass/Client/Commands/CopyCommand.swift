import ArgumentParser
import ContainerProtocol
import Foundation
import MessagePack

/// `windlass cp`: files into a container and out of it, as a stream of tar.
struct CopyCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "cp",
        abstract: "Copy files between here and a container that runs.",
        usage: """
            windlass cp [<options>] <container>:<path> <path>|-
            windlass cp [<options>] <path>|- <container>:<path>
            """,
        discussion: """
            A folder goes into a folder that is there already, and takes the name of one that is not; PATH/. is what is \
            in a folder. - is a tar archive on a standard stream. The container's own tar does its part, as its own user.
            """)

    @Flag(name: .shortAndLong, help: "Keep owners and groups.")
    var archive = false

    @Flag(name: [.customShort("L"), .long], help: "Copy what symbolic links point to.")
    var followLink = false

    @OptionGroup(title: "Connection options") var connection: ConnectionOptions

    @Argument(help: ArgumentHelp("From where.", valueName: "source"))
    var source: CopyPlace

    @Argument(help: ArgumentHelp("To where.", valueName: "destination"))
    var destination: CopyPlace

    func validate() throws {
        switch (source, destination) {
        case (.container, .container):
            throw ValidationError("from one container to another: windlass cp A:PATH - | windlass cp - B:PATH")
        case (.container, _), (_, .container): return
        default: throw ValidationError("one of both is in a container: NAME:PATH")
        }
    }

    func perform(_ session: Session) async throws {
        switch (source, destination) {
        case (.container(let name, let path), let destination):
            let programs = ContainerPrograms(session: session, id: try await session.container(name))
            let origin = CopyPath(path)
            switch destination {
            case .local(let path): try await fetch(origin, to: CopyPath(path), programs)
            default: try await programs.read(outgoing(origin)) { try Terminal.writeAll($0, to: .output) }
            }
        case (let source, .container(let name, let path)):
            let programs = ContainerPrograms(session: session, id: try await session.container(name))
            let target = CopyPath(path)
            switch source {
            case .local(let path): try await send(CopyPath(path), to: target, programs)
            default: try await programs.write(incoming(target.text)) { Terminal.readInput(64 * 1024) }
            }
        default: break
        }
    }

    /// The container's program that writes an archive of a path.
    private func outgoing(_ path: CopyPath) -> [String] {
        ["tar"] + (followLink ? ["-h"] : [])
            + (path.isContents
                ? ["-C", path.text, "-cf", "-", "."] : ["-C", path.folder, "-cf", "-", "--", path.name])
    }

    /// The container's program that reads an archive into a folder.
    private func incoming(_ folder: String) -> [String] {
        ["tar"] + (archive ? ["-p"] : ["-o"]) + ["-C", folder, "-xf", "-"]
    }

    // MARK: Out of the container

    private func fetch(_ origin: CopyPath, to target: CopyPath, _ programs: ContainerPrograms) async throws {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: target.text, isDirectory: &isFolder)
        if exists, isFolder.boolValue { return try await extract(origin, into: target.text, programs) }
        guard !target.mustBeFolder || origin.isContents, !target.mustBeFolder || !exists else {
            throw Failure(.notFound, "\(target.text): there is no such folder here")
        }
        // Into a folder beside it, and then under its new name in one step.
        let draft = (target.folder as NSString).appendingPathComponent(".windlass-cp-\(UUID().uuidString)")
        do {
            try FileManager.default.createDirectory(atPath: draft, withIntermediateDirectories: false)
        } catch {
            throw Failure(.notFound, "\(target.folder): a folder could not be made here: \(error.localizedDescription)")
        }
        defer { try? FileManager.default.removeItem(atPath: draft) }
        try await extract(origin, into: draft, programs)
        let arrived = origin.isContents ? draft : (draft as NSString).appendingPathComponent(origin.name)
        guard rename(arrived, target.text) == 0 else {
            throw Failure(.failedPrecondition, "\(target.text): \(String(cString: strerror(errno)))")
        }
    }

    private func extract(_ origin: CopyPath, into folder: String, _ programs: ContainerPrograms) async throws {
        let tar = try LocalTar((archive ? ["-p"] : ["-o"]) + ["-C", folder, "-xf", "-"])
        do {
            try await programs.read(outgoing(origin)) { try tar.write($0) }
        } catch {
            tar.kill()
            throw error
        }
        try await offThePool { try tar.finish() }
    }

    // MARK: Into the container

    private func send(_ origin: CopyPath, to target: CopyPath, _ programs: ContainerPrograms) async throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: origin.text, isDirectory: &isFolder) else {
            throw Failure(.notFound, "\(origin.text): there is no such file here")
        }
        let hasTarget = try await programs.isFolder(target.text)
        if !isFolder.boolValue, !hasTarget {
            guard !target.mustBeFolder else {
                throw Failure(.notFound, "\(programs.id):\(target.text): there is no such folder in the container")
            }
            return try await sendFile(origin.text, to: target, programs)
        }
        var folder = target.text
        var arguments = ["-C", origin.folder, "-cf", "-", "--", origin.name]
        if isFolder.boolValue, !hasTarget || origin.isContents {
            arguments = ["-C", origin.text, "-cf", "-", "."]
            if !hasTarget { try await programs.read(["mkdir", target.text]) { _ in } }
        }
        if folder.isEmpty { folder = "/" }
        let tar = try LocalTar((followLink ? ["-h"] : []) + arguments)
        do {
            try await programs.write(incoming(folder)) { try tar.read() }
        } catch {
            tar.kill()
            throw error
        }
        try await offThePool { try tar.finish() }
    }

    /// One file, under another name.
    private func sendFile(_ path: String, to target: CopyPath, _ programs: ContainerPrograms) async throws {
        let file: FileHandle
        let attributes: [FileAttributeKey: Any]
        do {
            let real = (path as NSString).resolvingSymlinksInPath
            attributes = try FileManager.default.attributesOfItem(atPath: real)
            file = try FileHandle(forReadingFrom: URL(fileURLWithPath: real))
        } catch {
            throw Failure(.notFound, "\(path) cannot be read: \(error.localizedDescription)")
        }
        let size = (attributes[.size] as? NSNumber)?.uint64Value ?? 0
        let header = TarHeader(
            name: target.name, size: size, mode: (attributes[.posixPermissions] as? NSNumber)?.uint32Value ?? 0o644,
            modified: UInt64(max(0, (attributes[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0)),
            user: (attributes[.ownerAccountID] as? NSNumber)?.uint32Value ?? 0,
            group: (attributes[.groupOwnerAccountID] as? NSNumber)?.uint32Value ?? 0)
        let archive = FileArchive(header, file)
        try await programs.write(incoming(target.folder)) { try archive.next() }
    }
}
