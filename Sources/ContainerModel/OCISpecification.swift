/// What a container is made of: the parts of an OCI runtime specification that a driver of this worker can honour.
///
/// Field names and meanings are the OCI runtime specification's. Whatever a specification holds beyond this is listed
/// in the `ignored` of the reply to `create`.
public struct OCISpecification: Sendable, Equatable {
    /// The first process.
    public var process: OCIProcess?
    /// The container's root.
    public var root: Root?
    /// The container's host name; drivers choose one from the id where it is absent.
    public var hostname: String?
    /// Host folders and pipes to be seen inside, in the order given.
    public var mounts: [Mount] = []
    /// What is specific to Windows.
    public var windows: Windows?
    /// What is specific to Linux.
    public var linux: Linux?
    /// The whole specification as JSON text, for a driver that hands it on; nil where no driver asked for it.
    public var document: String?

    /// An empty specification.
    public init() {}

    /// `root`: on Windows with process isolation, the volume `\\?\Volume{guid}\`.
    public struct Root: Sendable, Equatable {
        /// The volume or folder.
        public var path: String
        /// Whether the root is read-only.
        public var readonly: Bool

        /// A root at `path`.
        public init(path: String, readonly: Bool = false) {
            self.path = path
            self.readonly = readonly
        }
    }

    /// One entry of `mounts`.
    public struct Mount: Sendable, Equatable {
        /// Where it is seen inside the container; a Windows named pipe begins with `\\.\pipe\`.
        public var destination: String
        /// The host's folder or pipe.
        public var source: String
        /// The OCI mount type; Windows has none.
        public var type: String
        /// OCI mount options; `ro` makes it read-only.
        public var options: [String]

        /// A mount of `source` at `destination`.
        public init(destination: String, source: String, type: String = "", options: [String] = []) {
            self.destination = destination
            self.source = source
            self.type = type
            self.options = options
        }
    }

    /// `windows`.
    public struct Windows: Sendable, Equatable {
        /// Parent layers, nearest first, base last; the very last entry is the container's own scratch layer.
        public var layerFolders: [String] = []
        /// Devices to assign, by class.
        public var devices: [Device] = []
        /// Limits.
        public var resources: WindowsResources?
        /// Networks.
        public var network: Network?
        /// A credential specification as JSON text.
        public var credentialSpec: String?
        /// An update-merge run.
        public var servicing = false
        /// Faster first boot.
        public var ignoreFlushesDuringBoot = false
        /// Present where the container is to run in a utility VM (Hyper-V isolation).
        public var hyperV: HyperV?

        /// No layers, nothing set.
        public init() {}
    }

    /// One entry of `windows.devices`.
    public struct Device: Sendable, Equatable {
        /// The device's interface class GUID.
        public var id: String
        /// `class` or `vpci-class-guid`.
        public var idType: String

        /// A device.
        public init(id: String, idType: String) {
            self.id = id
            self.idType = idType
        }
    }

    /// `windows.network`.
    public struct Network: Sendable, Equatable {
        /// HNS endpoint ids.
        public var endpointList: [String] = []
        /// Whether unqualified names are resolved.
        public var allowUnqualifiedDNSQuery = false
        /// Domains to search.
        public var dnsSearchList: [String] = []
        /// The container whose network is shared.
        public var networkSharedContainerName: String?
        /// An HNS namespace.
        public var networkNamespace: String?

        /// No network.
        public init() {}
    }

    /// `windows.hyperv`.
    public struct HyperV: Sendable, Equatable {
        /// Where the utility VM's image is; found beside the layers where absent.
        public var utilityVMPath: String?

        /// Hyper-V isolation with the utility VM found beside the layers.
        public init(utilityVMPath: String? = nil) { self.utilityVMPath = utilityVMPath }
    }

    /// `linux`.
    public struct Linux: Sendable, Equatable {
        /// Limits.
        public var resources: LinuxResources?

        /// Nothing set.
        public init(resources: LinuxResources? = nil) { self.resources = resources }
    }
}

/// `windows.resources`: limits of a container under HCS.
public struct WindowsResources: Sendable, Equatable {
    /// Bytes of memory.
    public var memoryLimit: UInt64?
    /// Number of processors.
    public var cpuCount: UInt64?
    /// Relative weight, 1 to 10,000.
    public var cpuShares: UInt64?
    /// Percent of the host times 100, 1 to 10,000.
    public var cpuMaximum: UInt64?
    /// Whether the container is to be kept to certain processors.
    public var hasAffinity = false
    /// Storage operations a second.
    public var storageIOPS: UInt64?
    /// Storage bytes a second.
    public var storageBytesPerSecond: UInt64?
    /// Bytes that the system drive is grown to.
    public var storageSandboxSize: UInt64?

    /// No limits.
    public init() {}
}

/// `linux.resources`: limits of a container under a Linux runtime.
public struct LinuxResources: Sendable, Equatable {
    /// Bytes of memory; negative is unlimited.
    public var memoryLimit: Int64?
    /// Relative weight.
    public var cpuShares: UInt64?
    /// Microseconds of processor time per period.
    public var cpuQuota: Int64?
    /// Microseconds of one period.
    public var cpuPeriod: UInt64?
    /// The most processes.
    public var pidsLimit: Int64?

    /// No limits.
    public init() {}

    /// Whether no limit is set.
    public var isEmpty: Bool { self == LinuxResources() }
}

/// An OCI `process`: the first one of a container, or one more.
public struct OCIProcess: Sendable, Equatable {
    /// The program and its arguments.
    public var args: [String] = []
    /// A whole Windows command line, already escaped; it takes the place of `args`.
    public var commandLine: String?
    /// `NAME=value` entries, in order.
    public var env: [String] = []
    /// The working directory inside the container; empty where none was given.
    public var cwd = ""
    /// The user's name (`process.user.username`); empty is the container's default.
    public var username = ""
    /// Whether it has a terminal.
    public var terminal = false
    /// The terminal's size.
    public var consoleSize: ConsoleSize?
    /// The whole process as JSON text, for a driver that hands it on; nil where no driver asked for it.
    public var document: String?

    /// A process of `args`.
    public init(args: [String] = []) { self.args = args }
}

/// Columns and rows of a terminal.
public struct ConsoleSize: Sendable, Equatable {
    /// Columns.
    public var width: UInt16
    /// Rows.
    public var height: UInt16

    /// A size in characters.
    public init(width: UInt16, height: UInt16) {
        self.width = width
        self.height = height
    }
}
