import Foundation
import TestSupport
import Testing

/// Dependencies point one way: which of our modules each of our modules may import, and must declare in Package.swift.
struct LayersTests {
    private static let layers: [String: Set<String>] = [
        "ContainerModel": [],
        "Threads": [],
        "ZeroMQ": ["CZeroMQ", "Threads"],
        "MessagePack": ["CMessagePack"],
        "ContainerProtocol": ["ContainerModel", "MessagePack"],
        // Drivers link no codec.
        "ContainerDriver": ["ContainerModel"],
        "HostComputeDriver": ["CHostCompute", "ContainerDriver", "ContainerModel"],
        // Its codec serves its own socket, not the worker's contract.
        "HostComputeEmulator": ["CHostCompute", "CLinux", "ContainerModel", "MessagePack", "Threads"],
        "OCIDriver": ["CLinuxContainers", "CSupervisor", "ContainerDriver", "ContainerModel", "Threads"],
        // The core names no driver.
        "Worker": [
            "CChecksum", "CLinux", "ContainerDriver", "ContainerModel", "ContainerProtocol", "MessagePack", "Threads",
            "ZeroMQ",
        ],
        "WorkerClient": ["ContainerModel", "ContainerProtocol", "MessagePack", "ZeroMQ"],
        "windlass": [
            "CHostCompute", "CLinux", "ContainerDriver", "ContainerModel", "ContainerProtocol", "HostComputeDriver",
            "HostComputeEmulator", "MessagePack", "OCIDriver", "Threads", "Worker", "WorkerClient", "ZeroMQ",
        ],
    ]

    private let sources = MarkdownPage.checkout.appendingPathComponent("Sources")

    /// The folders of `Sources` that hold a module of ours, in Swift or in C.
    private func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: sources.path).filter { $0 != "Python" }
    }

    /// Every file of a module in Swift; empty for one in C.
    private func texts(of module: String) throws -> [String] {
        let folder = sources.appendingPathComponent(module)
        return try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
            .map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    }

    @Test func importsFollowTheLayers() throws {
        let modules = try modules()
        for module in modules {
            let texts = try texts(of: module)
            guard !texts.isEmpty else { continue }
            let imports = texts.flatMap { text in
                text.matches(of: #/(?m)^\s*(?:@\w+ +)?(?:public +|package +)?import +(?:\w+ +)?(\w+)/#)
                    .map { String($0.output.1) }
            }
            #expect(Set(imports).intersection(modules) == LayersTests.layers[module], "the imports of \(module)")
        }
    }

    @Test func thePackageDeclaresWhatIsImported() throws {
        let text = try String(
            contentsOf: MarkdownPage.checkout.appendingPathComponent("Package.swift"), encoding: .utf8)
        let modules = try Set(modules())
        let targets = text.components(separatedBy: "arget(").dropFirst()
        for (module, imports) in LayersTests.layers {
            let target = try #require(
                targets.first { $0.drop(while: \.isWhitespace).hasPrefix("name: \"\(module)\"") }, "\(module)")
            let named = Set(target.matches(of: #/"(\w+)"/#).map { String($0.output.1) })
            #expect(named.intersection(modules) == imports.union([module]), "the dependencies of \(module)")
        }
    }
}
