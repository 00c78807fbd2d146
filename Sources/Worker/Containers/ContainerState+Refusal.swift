import ContainerModel
import ContainerProtocol
import MessagePack

extension Failure {
    /// A command that the container is in no state for.
    init(_ refusal: ContainerState.Refusal, _ id: ContainerID, state: ContainerRecord.State) {
        self.init(refusal.code, "\(id): \(refusal.message)", details: ["state": .string(state.rawValue)])
    }
}
