import CHostCompute
import Glibc

/// The functions of the table about the service, layer ids and memory.
extension HostComputeEmulator {
    static func fillService(_ table: inout HostComputeTable) {
        table.HcsGetServiceProperties = { query, properties, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                let properties = try HostAnswer.required(properties, "properties")
                properties.pointee = nil
                try ComputeService.shared.faults.enter(.getServiceProperties, "")
                let types = try ClientDocument.read(PropertyQuery.self, query).types ?? []
                guard types.isEmpty || types == ["Basic"] else {
                    throw HostFailure(code: ResultCode.notSupported, message: "PropertyTypes: only Basic is known.")
                }
                try HostAnswer.write(
                    #"{"Properties":[{"SupportedSchemaVersions":[{"Major":1,"Minor":0},{"Major":2,"Minor":1}]}]}"#,
                    to: properties)
                return ResultCode.success
            }
        }
        table.HcsModifyServiceSettings = { settings, result in
            HostAnswer.give(result) { () throws(HostFailure) in
                _ = try ClientDocument.read(UnreadDocument.self, try HostAnswer.required(settings, "settings"))
                throw HostFailure(code: ResultCode.notSupported, message: "The service has no settings.")
            }
        }
        table.NameToGuid = { name, guid in
            HostAnswer.give { () throws(HostFailure) in
                let guid = try HostAnswer.required(guid, "guid")
                let name = WideString.buffer(try HostAnswer.required(name, "name"))
                guid.pointee = NameGuid(namespace: NameGuid.layers, name: name).value
                return ResultCode.success
            }
        }
        table.FreeString = { text in free(text) }
    }
}
