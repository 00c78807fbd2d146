// swift-tools-version: 6.2

import PackageDescription

/// Every Swift target: Swift 6 mode, `any` spelled out, and no warning survives.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// And a member is used only where the module that defines it is imported.
let strictImports: [SwiftSetting] = strict + [.enableUpcomingFeature("MemberImportVisibility")]

// Windows has the Host Compute Service itself. The emulator, whose containers are Linux processes, and the benchmarks,
// whose bare processes are, are left out there with all that stands on them.
#if os(Windows)
    let isWindows = true
#else
    let isWindows = false
#endif

let linuxSources = [
    "Bench", "Worker/DriverSelection+Emulator.swift", "Worker/DriverSelection+Runtime.swift",
    "Worker/EmulatorCommand.swift", "Worker/OwnEmulatorService.swift",
]
let linuxTargets: [Target] = [
    .target(name: "CLinux", cSettings: [.treatAllWarnings(as: .error)]),
    // The supervisor of a Linux container, and what it and its driver have in common. It is linked statically and
    // without Swift's start code: it stays in memory once for each container.
    .target(name: "CSupervisor", cSettings: [.treatAllWarnings(as: .error)]),
    .executableTarget(
        name: "windlass-supervisor", dependencies: ["CSupervisor"],
        cSettings: [.treatAllWarnings(as: .error), .unsafeFlags(["-O2", "-Wall", "-Wextra"])],
        linkerSettings: [.unsafeFlags(["-static-executable", "-nostartfiles"])]),
    .target(name: "CLinuxContainers", cSettings: [.treatAllWarnings(as: .error)]),
    .target(
        name: "OCIDriver",
        dependencies: ["CLinuxContainers", "CSupervisor", "ContainerDriver", "ContainerModel", "Threads"],
        swiftSettings: strict),
    .testTarget(
        name: "OCIDriverTests", dependencies: ["OCIDriver", "TestSupport", "windlass-supervisor"],
        swiftSettings: strict
    ),
    .target(
        name: "HostComputeEmulator",
        dependencies: ["CHostCompute", "CLinux", "ContainerModel", "MessagePack", "Threads"],
        swiftSettings: strictImports),
    // What `windlass bench` measures against.
    .target(
        name: "Baselines", dependencies: ["CMessagePack", "CZeroMQ"], path: "Tests/Benchmarks/Baselines",
        cSettings: [.treatAllWarnings(as: .error)]),
    .testTarget(
        name: "HostComputeDriverTests",
        dependencies: ["HostComputeDriver", "HostComputeEmulator", "TestSupport", "windlass"],
        exclude: ["Golden", "ROWS.md"], swiftSettings: strict),
    .testTarget(
        name: "HostComputeEmulatorTests", dependencies: ["HostComputeEmulator", "MessagePack"],
        swiftSettings: strict),
    .testTarget(
        name: "EndToEndTests",
        dependencies: ["HostComputeDriver", "HostComputeEmulator", "Worker", "WorkerClient"],
        swiftSettings: strict),
]

let package = Package(
    name: "windlass",
    products: [
        .executable(name: "windlass", targets: ["windlass"]),
        .library(
            name: "WorkerClient", targets: ["ContainerModel", "ContainerProtocol", "MessagePack", "WorkerClient"]),
    ] + (isWindows ? [] : [.executable(name: "windlass-supervisor", targets: ["windlass-supervisor"])]),
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Foreign code: module maps and the C that only C can say.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CMessagePack", providers: [.apt(["libmsgpack-dev"])]),
        .target(name: "CHostCompute", cSettings: [.treatAllWarnings(as: .error)]),
        .target(name: "CChecksum", cSettings: [.treatAllWarnings(as: .error)]),

        .target(name: "Threads", swiftSettings: strict),

        // Transport: knows nothing of containers.
        .target(
            name: "ZeroMQ",
            dependencies: ["CZeroMQ", "Threads", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strictImports),
        .target(
            name: "MessagePack",
            dependencies: ["CMessagePack", .product(name: "OrderedCollections", package: "swift-collections")],
            swiftSettings: strictImports),

        // What we talk about, what we say, what we need, who does it. A driver links no codec: LayersTests holds this file
        // and the imports to each other.
        .target(name: "ContainerModel", swiftSettings: strictImports),
        .target(
            name: "ContainerProtocol", dependencies: ["ContainerModel", "MessagePack"], swiftSettings: strictImports),
        .target(name: "ContainerDriver", dependencies: ["ContainerModel"], swiftSettings: strictImports),
        .target(
            name: "HostComputeDriver", dependencies: ["CHostCompute", "ContainerDriver", "ContainerModel"],
            swiftSettings: strictImports),

        // The product, the library that speaks to it, and what you can run.
        .target(
            name: "Worker",
            dependencies: [
                "CChecksum", "ContainerDriver", "ContainerModel", "ContainerProtocol", "MessagePack", "Threads",
                "ZeroMQ",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "OrderedCollections", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ] + (isWindows ? [] : ["CLinux"]),
            swiftSettings: strict),
        .target(
            name: "WorkerClient", dependencies: ["ContainerModel", "ContainerProtocol", "MessagePack", "ZeroMQ"],
            swiftSettings: strict),
        .executableTarget(
            name: "windlass",
            dependencies: [
                "CHostCompute", "ContainerDriver", "ContainerModel", "ContainerProtocol", "HostComputeDriver",
                "MessagePack", "Threads", "Worker", "WorkerClient", "ZeroMQ",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ] + (isWindows ? [] : ["Baselines", "CLinux", "HostComputeEmulator", "OCIDriver"]),
            exclude: isWindows ? linuxSources : [],
            swiftSettings: strict),

        .testTarget(name: "ThreadsTests", dependencies: ["Threads"], swiftSettings: strict),
        .testTarget(name: "ZeroMQTests", dependencies: ["ZeroMQ"], swiftSettings: strict),
        .testTarget(name: "MessagePackTests", dependencies: ["MessagePack"], swiftSettings: strict),
        .testTarget(name: "ContainerModelTests", dependencies: ["ContainerModel"], swiftSettings: strict),
        .testTarget(
            name: "ContainerProtocolTests",
            dependencies: ["ContainerModel", "ContainerProtocol", "MessagePack", "TestSupport"],
            swiftSettings: strict),
        // Fakes of our own ports, and what reads the documentation.
        .target(
            name: "TestSupport",
            dependencies: ["ContainerDriver", "ContainerModel", "ContainerProtocol", "MessagePack"],
            path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "WorkerTests",
            dependencies: ["TestSupport", "Threads", "Worker", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: strict),
        .testTarget(
            name: "WorkerClientTests", dependencies: ["ContainerProtocol", "MessagePack", "WorkerClient", "ZeroMQ"],
            swiftSettings: strict),
        .testTarget(name: "WindlassTests", dependencies: ["TestSupport", "windlass"], swiftSettings: strict),
    ] + (isWindows ? [] : linuxTargets)
)
