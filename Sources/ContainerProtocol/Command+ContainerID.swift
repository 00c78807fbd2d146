public import ContainerModel

extension Command {
    /// The container that it is about; nil where it is about the host, or about several containers.
    public var containerID: ContainerID? {
        switch self {
        case .ping, .version, .snapshot, .health, .list, .events, .drain, .undrain, .listKeys, .reloadKeys,
            .stats(.some),
            .stats(.all):
            nil
        case .create(let create), .plan(let create): create.id
        case .exec(let exec): exec.id
        case .attach(let attach): attach.id
        case .stdin(let input): input.id
        case .logs(let logs): logs.id
        case .start(let id), .pause(let id), .resume(let id), .pids(let id), .summary(let id), .restore(let id),
            .state(let id), .describe(let id), .stats(.one(let id)):
            id
        case .signal(let id, _, _), .resize(let id, _, _), .stop(let id, _), .update(let id, _),
            .checkpoint(_, let id), .delete(let id, _), .wait(let id, _), .detach(let id, _), .credit(let id, _, _):
            id
        }
    }
}
