import ContainerDriver
import ContainerModel

/// The document that creates a compute system: what moby and hcsshim send today for schema 1, in the order and with the
/// omissions of hcsshim's `internal/hcs/schema1/schema1.go` (commit 7c9ff7f4). What is empty is left out.
struct ContainerDocument: Equatable {
    struct Layer: Equatable {
        var id: String
        var path: String
    }

    struct Directory: Equatable {
        var hostPath: String
        var containerPath: String
        var readOnly: Bool
    }

    struct Pipe: Equatable {
        var hostPath: String
        var name: String
    }

    var name = ""
    var owner = ""
    var volumePath = ""
    var ignoreFlushesDuringBoot = false
    var layerFolderPath = ""
    /// Nearest first, base last.
    var layers: [Layer] = []
    var credentials = ""
    var processorCount: UInt64 = 0
    var processorWeight: UInt64 = 0
    var processorMaximum: UInt64 = 0
    var storageIOPS: UInt64 = 0
    var storageBandwidth: UInt64 = 0
    var storageSandboxSize: UInt64 = 0
    var memoryMaximumInMB: UInt64 = 0
    var hostName = ""
    var directories: [Directory] = []
    /// The utility VM's image; present means Hyper-V isolation.
    var utilityVM: String?
    var endpoints: [String] = []
    var servicing = false
    var allowUnqualifiedDNSQuery = false
    var networkSharedContainer = ""
    var dnsSearchList: [String] = []
    var pipes: [Pipe] = []
    var devices: [String] = []

    /// The document in UTF-8.
    var bytes: [UInt8] {
        JSONWriter.object { json in
            json.field("SystemType", "Container")
            json.field("Name", name)
            json.field("Owner", unlessEmpty: owner)
            json.field("VolumePath", unlessEmpty: volumePath)
            json.field("IgnoreFlushesDuringBoot", unlessFalse: ignoreFlushesDuringBoot)
            json.field("LayerFolderPath", unlessEmpty: layerFolderPath)
            json.key("Layers")
            json.array(layers) { json, layer in
                json.object {
                    $0.field("ID", layer.id)
                    $0.field("Path", layer.path)
                }
            }
            json.field("Credentials", unlessEmpty: credentials)
            writeLimits(&json)
            json.field("HostName", unlessEmpty: hostName)
            writeMounts(&json)
            json.field("HvPartition", utilityVM != nil)
            json.field("NetworkSharedContainerName", unlessEmpty: networkSharedContainer)
            if !endpoints.isEmpty {
                json.key("EndpointList")
                json.array(endpoints) { $0.string($1) }
            }
            if let utilityVM {
                json.key("HvRuntime")
                json.object { $0.field("ImagePath", utilityVM) }
            }
            json.field("Servicing", unlessFalse: servicing)
            json.field("AllowUnqualifiedDNSQuery", unlessFalse: allowUnqualifiedDNSQuery)
            json.field("DNSSearchList", unlessEmpty: dnsSearchList.joined(separator: ","))
            if !devices.isEmpty {
                json.key("AssignedDevices")
                json.array(devices) { json, device in json.object { $0.field("InterfaceClassGuid", device) } }
            }
        }
    }

    private func writeLimits(_ json: inout JSONWriter) {
        json.field("ProcessorCount", unlessZero: processorCount)
        json.field("ProcessorWeight", unlessZero: processorWeight)
        json.field("ProcessorMaximum", unlessZero: processorMaximum)
        json.field("StorageIOPSMaximum", unlessZero: storageIOPS)
        json.field("StorageBandwidthMaximum", unlessZero: storageBandwidth)
        json.field("StorageSandboxSize", unlessZero: storageSandboxSize)
        json.field("MemoryMaximumInMB", unlessZero: memoryMaximumInMB)
    }

    private func writeMounts(_ json: inout JSONWriter) {
        if !directories.isEmpty {
            json.key("MappedDirectories")
            json.array(directories) { json, directory in
                json.object {
                    $0.field("HostPath", directory.hostPath)
                    $0.field("ContainerPath", directory.containerPath)
                    $0.field("ReadOnly", directory.readOnly)
                    $0.field("BandwidthMaximum", 0)
                    $0.field("IOPSMaximum", 0)
                    $0.field("CreateInUtilityVM", false)
                }
            }
        }
        if !pipes.isEmpty {
            json.key("MappedPipes")
            json.array(pipes) { json, pipe in
                json.object {
                    $0.field("HostPath", pipe.hostPath)
                    $0.field("ContainerPipeName", pipe.name)
                }
            }
        }
    }
}
