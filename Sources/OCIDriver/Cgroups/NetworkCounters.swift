import ContainerModel

/// Reads `/proc/PID/net/dev`: the counters of the devices in a process's network namespace. Pure.
enum NetworkCounters {
    static func read(_ text: String) -> [ContainerStatistics.NetworkEndpoint] {
        text.split(separator: "\n").compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].drop { $0 == " " }
            let numbers = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) ?? 0 }
            guard name != "lo", numbers.count >= 12 else { return nil }
            var endpoint = ContainerStatistics.NetworkEndpoint()
            endpoint.endpoint = String(name)
            endpoint.bytesReceived = numbers[0]
            endpoint.packetsReceived = numbers[1]
            endpoint.droppedIncoming = numbers[3]
            endpoint.bytesSent = numbers[8]
            endpoint.packetsSent = numbers[9]
            endpoint.droppedOutgoing = numbers[11]
            return endpoint
        }
    }
}
