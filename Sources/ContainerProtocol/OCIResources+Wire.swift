public import ContainerModel
public import MessagePack

extension OCIResources {
    /// Reads `resources` of an `update`. Fields that only one platform has decide which it is; Windows where none does.
    ///
    /// The network is no resource of the OCI specification, which has it beside them in `windows.network`; of that,
    /// `endpointList` is what can change while a container runs. Its place here is `resources.network.endpointList`.
    /// - Returns: it, and the keys in it that nothing honours, as dotted paths.
    public static func read(_ value: Value) throws(Failure) -> (resources: OCIResources, ignored: [String]) {
        var reader = SpecificationReader()
        var object = try reader.open(value, "resources")
        let cpu = value["cpu"]?.map ?? [:]
        let resources: OCIResources
        if value["pids"] != nil || cpu["quota"] != nil || cpu["period"] != nil {
            resources = .linux(try LinuxResources(object, &reader))
        } else {
            let endpoints = try endpoints(&object, &reader)
            resources = .windows(try WindowsResources(object, &reader), endpoints: endpoints)
        }
        return (resources, reader.ignored.list(below: "resources"))
    }

    private static func endpoints(
        _ object: inout SpecificationReader.Object, _ reader: inout SpecificationReader
    ) throws(Failure) -> [String]? {
        guard var network = try reader.child("network", of: &object) else { return nil }
        let endpoints = try reader.strings("endpointList", of: &network)
        if let index = endpoints?.firstIndex(of: "") {
            throw .invalidArgument("\(network.path("endpointList"))[\(index)] is empty: it is an endpoint's id")
        }
        reader.close(network)
        return endpoints
    }
}
