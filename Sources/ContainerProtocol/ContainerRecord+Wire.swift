public import ContainerModel
public import MessagePack

extension ContainerRecord: WireEncodable {
    public func encode(to writer: Writer) { encode(to: writer, with: [:]) }

    /// Writes the record with more fields.
    public func encode(to writer: Writer, with more: Value.Map) {
        var count = 11 + more.count + (isAutoRemoved ? 1 : 0) + (lostHolds.isEmpty ? 0 : 1)
        count += Writer.count(pid) + Writer.count(startedAt) + Writer.count(exit) + Writer.count(stuck)
        count += imageLayers.isEmpty ? 0 : 1
        writer.map(count)
        writer.string("id")
        writer.string(id.rawValue)
        writer.string("seq")
        writer.unsigned(seq)
        writer.string("state")
        writer.string(state.rawValue)
        if let pid {
            writer.string("pid")
            writer.unsigned(UInt64(pid))
        }
        writer.string("created_at")
        writer.timestamp(createdAt)
        if let startedAt {
            writer.string("started_at")
            writer.timestamp(startedAt)
        }
        if let exit {
            writer.string("exit")
            exit.encode(to: writer)
        }
        writer.string("isolation")
        writer.string(isolation)
        if !imageLayers.isEmpty {
            writer.string("image_layers")
            writer.strings(imageLayers)
        }
        writer.string("processes")
        writer.map(processes.count)
        if !processes.isEmpty {
            for (name, process) in processes.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                writer.string(name.rawValue)
                process.encode(to: writer)
            }
        }
        writer.string("labels")
        writer.labels(labels)
        writer.string("paused")
        writer.bool(isPaused)
        writer.string("update_pending")
        writer.bool(isUpdatePending)
        writer.string("queue_depth")
        writer.unsigned(UInt64(queueDepth))
        if let stuck {
            writer.string("stuck")
            writer.string(stuck)
        }
        writer.string("ignored")
        writer.strings(ignored)
        if isAutoRemoved {
            writer.string("auto_remove")
            writer.bool(true)
        }
        if !lostHolds.isEmpty {
            writer.string("lost_holds")
            writer.strings(lostHolds.map(\.rawValue).sorted())
        }
        for (key, value) in more {
            writer.string(key)
            writer.value(value)
        }
    }
}

extension ContainerRecord {
    /// Reads a record; nil where `value` is none.
    public init?(_ value: Value) {
        guard let id = value["id"]?.string.flatMap(ContainerID.init), let createdAt = value["created_at"]?.timestamp,
            let state = value["state"]?.string.flatMap(State.init(rawValue:))
        else { return nil }
        self.init(id: id, createdAt: createdAt)
        seq = value["seq"]?.unsigned ?? 0
        self.state = state
        pid = value["pid"]?.unsigned.flatMap { UInt32(exactly: $0) }
        startedAt = value["started_at"]?.timestamp
        exit = Exit(value["exit"])
        isolation = value["isolation"]?.string ?? isolation
        imageLayers = (value["image_layers"]?.array ?? []).compactMap(\.string)
        for (name, process) in value["processes"]?.map ?? [:] {
            guard let name = ProcessName(name), let process = Process(process) else { return nil }
            processes[name] = process
        }
        for (key, label) in value["labels"]?.map ?? [:] { labels[key] = label.string }
        isPaused = value["paused"]?.bool ?? false
        isUpdatePending = value["update_pending"]?.bool ?? false
        queueDepth = value["queue_depth"]?.unsigned.flatMap { Int(exactly: $0) } ?? 0
        stuck = value["stuck"]?.string
        ignored = (value["ignored"]?.array ?? []).compactMap(\.string)
        isAutoRemoved = value["auto_remove"]?.bool ?? false
        lostHolds = Set((value["lost_holds"]?.array ?? []).compactMap { $0.string.flatMap(ProcessName.init) })
    }
}

extension ContainerRecord.Process: WireEncodable {
    /// Reads a process; nil where `value` is none.
    init?(_ value: Value) {
        guard let pid = value["pid"]?.unsigned.flatMap({ UInt32(exactly: $0) }),
            let state = value["state"]?.string.flatMap(State.init(rawValue:))
        else { return nil }
        self.init(pid: pid)
        self.state = state
        exit = Exit(value["exit"])
    }

    public func encode(to writer: Writer) {
        writer.map(exit == nil ? 2 : 3)
        writer.string("pid")
        writer.unsigned(UInt64(pid))
        writer.string("state")
        writer.string(state.rawValue)
        if let exit {
            writer.string("exit")
            exit.encode(to: writer)
        }
    }
}
