import ContainerDriver
import ContainerModel
import ContainerProtocol
import MessagePack

extension ContainerStatistics {
    /// The statistics as `stats` answers them: sizes in bytes, times in nanoseconds.
    var value: Value {
        var map: Value.Map = ["read_at": .timestamp(readAt)]
        if let startedAt { map["started_at"] = .timestamp(startedAt) }
        map["uptime_ns"] = .unsigned(uptime)
        map["memory"] = [
            "commit_bytes": .unsigned(memory.commit), "commit_peak_bytes": .unsigned(memory.commitPeak),
            "private_working_set_bytes": .unsigned(memory.privateWorkingSet),
        ]
        map["processor"] = [
            "total_ns": .unsigned(processor.total), "user_ns": .unsigned(processor.user),
            "kernel_ns": .unsigned(processor.kernel),
        ]
        map["storage"] = [
            "read_count": .unsigned(storage.readCount), "read_bytes": .unsigned(storage.readBytes),
            "write_count": .unsigned(storage.writeCount), "write_bytes": .unsigned(storage.writeBytes),
        ]
        map["network"] = .array(network.map(\.value))
        return .map(map)
    }
}

extension ContainerStatistics.NetworkEndpoint {
    fileprivate var value: Value {
        [
            "endpoint": .string(endpoint), "received_bytes": .unsigned(bytesReceived),
            "sent_bytes": .unsigned(bytesSent),
            "received_packets": .unsigned(packetsReceived), "sent_packets": .unsigned(packetsSent),
            "dropped_incoming_packets": .unsigned(droppedIncoming),
            "dropped_outgoing_packets": .unsigned(droppedOutgoing),
        ]
    }
}

extension ProcessSummary {
    /// The process as `summary` answers it.
    var value: Value {
        var map: Value.Map = ["pid": .int(pid), "image": .string(image)]
        if let createdAt { map["created_at"] = .timestamp(createdAt) }
        map["user_ns"] = .unsigned(userTime)
        map["kernel_ns"] = .unsigned(kernelTime)
        map["commit_bytes"] = .unsigned(memoryCommit)
        map["private_working_set_bytes"] = .unsigned(memoryPrivate)
        map["shared_working_set_bytes"] = .unsigned(memoryShared)
        return .map(map)
    }
}
