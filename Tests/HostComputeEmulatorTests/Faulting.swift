import HostComputeEmulator

/// Sets a fault for one system.
func fault(_ id: String, _ effects: Fault.Effect..., call: EmulatorCall? = nil, times: Int? = 1) {
    var fault = Fault(call: call, id: id, times: times)
    fault.effects = effects
    HostComputeEmulator.faults.add(fault)
}

/// Holds back the completion of an operation.
func hold(_ call: EmulatorCall, _ id: String) -> Stall {
    let stall = Stall()
    fault(id, .holdCompletion(stall), call: call)
    return stall
}
