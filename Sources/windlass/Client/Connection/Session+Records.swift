import ContainerModel
import ContainerProtocol
import MessagePack

extension Session {
    /// All records that `list` gives for `query`, of all its pages.
    func records(_ query: Value.Map) async throws -> [Value] {
        var records: [Value] = []
        var query = query
        while true {
            let page = try await call(.list, .map(query))
            records += page["containers"]?.array ?? []
            guard let next = page["next"] else { return records }
            query["after"] = next
        }
    }

    /// A container's record with the specification that it was made from. A worker that does not know the parameter
    /// answers with the record alone.
    func specification(of id: ContainerID) async throws -> Value {
        do {
            return try await call(.state, id, ["spec": true])
        } catch let failure as Failure where failure.code == .invalidArgument {
            return try await call(.state, id)
        }
    }
}
