import CHostCompute
import Foundation
import HostComputeEmulator
import Testing

extension EmulatorTests {
    @Suite("Documents are validated as HCS does", .bothWays)
    struct DocumentTests {
        @Test func refusals() {
            let cases: [([String: Any?], UInt32, String)] = [
                (["SystemType": nil], 0xC037_010D, "SystemType"),
                (["SystemType": "VirtualMachine"], 0xC037_010D, "SystemType"),
                (["VolumePath": nil], 0xC037_010D, "VolumePath"),
                (["VolumePath": #"\\?\Volume{11111111-2222-3333-4444-555555555555}\"#], 0x8007_0057, "VolumePath"),
                (["LayerFolderPath": nil], 0xC037_010D, "LayerFolderPath"),
                (["LayerFolderPath": "/no/such/scratch"], 0x8007_0003, "/no/such/scratch"),
                (["LayerFolderPath": "\(Host.root)/layers/a/b"], 0x8007_0003, "a/b"),
                (["Layers": nil], 0xC037_010D, "Layers"),
                (["Layers": [String]()], 0xC037_010D, "Layers"),
                (["Layers": [["ID": "x", "Path": "/no/such/layer"]]], 0x8007_0003, "/no/such/layer"),
                (["Layers": [["Path": "/"]]], 0xC037_010D, "Layers"),
                (
                    ["MappedDirectories": [["HostPath": "/no/such/dir", "ContainerPath": "/x"]]], 0x8007_0003,
                    "/no/such/dir"
                ),
                (["HvPartition": true], 0xC037_010D, "HvRuntime"),
                (["ProcessorWeight": 10_001], 0xC037_010D, "ProcessorWeight"),
                (["ProcessorMaximum": 25_500], 0xC037_010D, "ProcessorMaximum"),
                (["MemoryMaximumInMB": "1"], 0xC037_010D, "MemoryMaximumInMB"),
            ]
            for (changes, code, name) in cases {
                let id = Host.newID("refused")
                let (answer, handle) = Host.create(id, Host.document(id, changes))
                #expect(answer.code == code, "\(changes)")
                #expect(handle == nil)
                #expect(answer.result?.replacing("\\/", with: "/").contains(name) == true, "\(answer)")
                #expect(Host.open(id).answer.code == 0xC037_010E)
            }
        }

        @Test func theLayerFolderInsideTheRootIsMadeAndRemoved() throws {
            let id = Host.newID()
            let folder = "\(Host.root)/layers/\(id)"
            let system = try TestSystem(id)
            #expect(FileManager.default.fileExists(atPath: folder))
            let script = "mkdir -p a/b; touch a/b/c; ln -s / link; ln -s a/b/c link2"
            #expect(try system.shell(script).exitCode() == 0)
            _ = system.terminate()
            _ = system.recorder.wait(for: 1)
            #expect(FileManager.default.fileExists(atPath: folder))
            system.close()
            #expect(!FileManager.default.fileExists(atPath: folder))
            #expect(FileManager.default.fileExists(atPath: "/etc/passwd"))
            #expect(FileManager.default.fileExists(atPath: "\(Host.root)/layers/base"))
        }

        @Test func aFolderThatWasThereStays() throws {
            let folder = "\(Host.root)/layers/mine"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let id = Host.newID()
            let system = try TestSystem(id, document: Host.document(id, ["LayerFolderPath": folder]))
            _ = system.terminate()
            _ = system.recorder.wait(for: 1)
            system.close()
            #expect(FileManager.default.fileExists(atPath: folder))
        }

        @Test func resourcesAreRememberedAndChanged() throws {
            let id = Host.newID()
            let document = Host.document(
                id, ["MemoryMaximumInMB": 512, "ProcessorCount": 2, "EndpointList": ["one"], "ProcessorWeight": 0])
            let system = try TestSystem(id, document: document)
            var expected = try #require(HostComputeEmulator.resources(of: id))
            #expect(expected.memoryInMB == 512 && expected.processorCount == 2 && expected.endpoints == ["one"])
            #expect(expected.processorWeight == nil)
            let accepted = [
                #"{"ResourcePath":"Container/Memory/SizeInMB","RequestType":"Update","Settings":1024}"#,
                #"{"ResourcePath":"Container/Processor","RequestType":"Update","Settings":{"Maximum":5000}}"#,
                #"{"ResourceType":"Network","RequestType":"Add","Settings":"two"}"#,
                #"{"ResourceType":"Network","RequestType":"Add","Settings":{"EndpointId":"three"}}"#,
                #"{"ResourceType":"Network","RequestType":"Remove","Settings":"one"}"#,
            ]
            for request in accepted { #expect(system.modify(request).code == Host.success, "\(request)") }
            expected = try #require(HostComputeEmulator.resources(of: id))
            #expect(expected.memoryInMB == 1024 && expected.processorMaximum == 5000)
            #expect(expected.processorCount == nil && expected.endpoints == ["two", "three"])
            let refused: [(String, UInt32)] = [
                (#"{"ResourcePath":"Container/Memory/SizeInMB","Settings":0}"#, 0xC037_010D),
                (#"{"ResourcePath":"Container/Processor","Settings":{"Maximum":5000,"Count":1}}"#, 0xC037_010D),
                (#"{"ResourcePath":"Container/Processor","Settings":{"Weight":10001}}"#, 0xC037_010D),
                (#"{"ResourcePath":"Container/MappedDirectories","RequestType":"Add","Settings":{}}"#, 0x8007_0032),
                (#"{"ResourceType":"Memory","RequestType":"Add","Settings":1}"#, 0x8007_0032),
                (#"{"ResourceType":"Network","RequestType":"Remove","Settings":"none"}"#, 0x8007_0490),
                (#"{"ResourceType":"Network","RequestType":"Update","Settings":"two"}"#, 0xC037_010D),
                ("{}", 0xC037_010D), ("nonsense", 0xC037_010D),
            ]
            for (request, code) in refused { #expect(system.modify(request).code == code, "\(request)") }
            #expect(HostComputeEmulator.resources(of: id) == expected)
        }

        @Test func aRootThatCannotBeMadeIsRefused() {
            let settings = HostComputeEmulator.Settings(root: "/etc/passwd/x")
            let failure = #expect(throws: ConfigurationFailure.self) { try HostComputeEmulator.configure(settings) }
            #expect(failure?.description.contains("/etc/passwd/x") == true)
        }
    }
}
