import CHostCompute
import ContainerModel
import Foundation
import HostComputeEmulator
import Testing

extension EmulatorTests {
    @Suite("Queries", .bothWays)
    struct QueryTests {
        @Test func basicProperties() throws {
            let system = try TestSystem()
            for query in ["", "{}", #"{"PropertyTypes":[]}"#] {
                let properties = Host.parse(system.properties(query).document)
                #expect(properties["Id"] as? String == system.id)
                #expect(properties["SystemType"] as? String == "Container")
                #expect(properties["Owner"] as? String == "windlass")
                #expect(properties["State"] as? String == "Running")
            }
            #expect(system.properties("nonsense").answer.code == 0xC037_010D)
            #expect(system.properties(#"{"PropertyTypes":["Other"]}"#).answer.code == 0xC037_010D)
        }

        @Test func pendingUpdates() throws {
            let system = try TestSystem()
            let query = #"{"PropertyTypes":["PendingUpdates"]}"#
            #expect(Host.parse(system.properties(query).document)["AreUpdatesPending"] as? Bool == false)
            fault(system.id, .updatesPending, call: .getComputeSystemProperties)
            #expect(Host.parse(system.properties(query).document)["AreUpdatesPending"] as? Bool == true)
        }

        @Test func statisticsCountDescendantsAndTheDead() throws {
            let system = try TestSystem()
            let query = #"{"PropertyTypes":["Statistics"]}"#
            let script =
                "exec 3<&0; i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; setsid sh -c 'echo there; read line <&3' & wait"
            let process = try system.shell(script)
            _ = TestProcess.read(process.output) { $0.contains("there") }
            let live = try #require(Host.parse(system.properties(query).document)["Statistics"] as? [String: Any])
            let memory = try #require(live["Memory"] as? [String: Any])
            #expect(memory["MemoryUsageCommitBytes"] as? Int ?? 0 > 1_000_000)
            #expect(memory["MemoryUsageCommitPeakBytes"] as? Int ?? 0 >= memory["MemoryUsageCommitBytes"] as? Int ?? 1)
            #expect(live["Uptime100ns"] as? Int ?? 0 > 0)
            #expect((live["Timestamp"] as? String)?.count == "2017-01-02T03:04:05.1234567Z".count)
            let list = Host.parse(system.properties(#"{"PropertyTypes":["ProcessList"]}"#).document)["ProcessList"]
            let names = (list as? [[String: Any]] ?? []).compactMap { $0["ImageName"] as? String }
            #expect(names.sorted() == ["sh", "sh"])
            #expect(process.terminate().code == Host.success)
            _ = try process.exitCode()
            let dead = Host.parse(system.properties(query).document)["Statistics"] as? [String: Any]
            let processor = try #require(dead?["Processor"] as? [String: Any])
            let total = try #require(processor["TotalRuntime100ns"] as? Int)
            #expect(total > 0)
            let user = processor["RuntimeUser100ns"] as? Int ?? 0
            let kernel = processor["RuntimeKernel100ns"] as? Int ?? 0
            #expect(user + kernel == total)
        }

        @Test func enumerationFilters() throws {
            let owner = Host.newID("owner")
            let ids = (0..<3).map { _ in Host.newID("listed") }
            let systems = try ids.map {
                try TestSystem($0, document: Host.document($0, ["Owner": owner]), start: false)
            }
            #expect(Host.enumerate("{\"Owners\":[\"\(owner)\"]}") == ids.sorted())
            #expect(Host.enumerate("{\"Owners\":[\"\(owner)\"],\"Types\":[\"Container\"]}") == ids.sorted())
            #expect(Host.enumerate("{\"Owners\":[\"\(owner)\"],\"Types\":[\"VirtualMachine\"]}").isEmpty)
            #expect(Host.enumerate("{\"Ids\":[\"\(ids[0])\",\"\(ids[1])\",\"none\"]}") == ids[0...1].sorted())
            #expect(Host.enumerate("{\"Ids\":[\"\(ids[0])\"],\"Names\":[\"\(ids[1])\"]}").isEmpty)
            #expect(Host.enumerate("{\"Names\":[\"\(ids[1])\"]}") == [ids[1]])
            #expect(Set(ids).isSubset(of: Host.enumerate("{}")))
            withExtendedLifetime(systems) {}
        }

        @Test func service() {
            var properties: UnsafeMutablePointer<HcsChar>?
            var result: UnsafeMutablePointer<HcsChar>?
            let query = Host.wide(#"{"PropertyTypes":["Basic"]}"#)
            #expect(Host.table.HcsGetServiceProperties?(query, &properties, &result) == 0)
            #expect(Host.parse(Host.take(properties))["Properties"] is [Any])
            let code = Host.table.HcsModifyServiceSettings?(Host.wide("{}"), &result)
            #expect(code == HcsResult(bitPattern: 0x8007_0032))
            _ = Host.take(result)
        }
    }
}
