import ArgumentParser
import ContainerModel
import ContainerProtocol
import MessagePack
import Worker
import ZeroMQ

/// `windlass keys list`: who may come in.
struct KeysListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List who may come in: as the worker has it where one answers, else as the files say.")

    @OptionGroup var clients: ClientsOptions

    func run() async throws {
        let console = Console(format: clients.connection.format)
        do {
            let list: Value
            switch await clients.ask(.keysList) {
            case .success(let result): list = result
            case .failure(let failure):
                console.note("no worker says who is connected (\(failure.message)): this is what the files say")
                list = KeysListCommand.list(clients.directory.read())
            }
            if console.format == .json { return try console.json(list) }
            var table = Table("NAME", "ROLE", "KEYS", .number("CONNECTIONS"), "EXPIRES", "REMARK")
            for principal in list["principals"]?.array ?? [] {
                var remarks: [String] = []
                if principal["events"]?.bool == false { remarks.append("no events") }
                if principal["profiles_only"]?.bool == true { remarks.append("profiles only") }
                let keys = (principal["keys"]?.array ?? []).compactMap(\.string).joined(separator: " ")
                var expires = "never"
                if let time = principal["expires"]?.timestamp { expires = time.rfc3339() }
                table.add(
                    "\(principal["name"]?.string ?? "")", "\(principal["role"]?.string ?? "")", "\(keys)",
                    "\(principal["connections"]?.unsigned.map(String.init) ?? "-")", "\(expires)",
                    "\(remarks.joined(separator: ", "))")
            }
            try console.table(table)
            for (file, reason) in list["broken"]?.map ?? [:] {
                console.note("\(file) cannot be used: \(reason.string ?? "")")
            }
        } catch {
            console.report(error)
            throw ExitCodes.failed
        }
    }

    /// What the files say, in the form of `keys_list`.
    private static func list(_ contents: ClientDirectory.Contents) -> Value {
        let byName = Dictionary(grouping: contents.files, by: \.principal).sorted { $0.key < $1.key }
        let principals = byName.map { name, files -> Value in
            let rights = files.compactMap(\.rights).first
            var map: Value.Map = [
                "name": .string(name), "role": .string(rights?.role.rawValue ?? ""),
                "keys": .array(files.map { .string($0.key.fingerprint) }),
                "events": .bool(rights?.mayFollowEvents ?? true),
                "profiles_only": .bool(rights?.isBoundToProfiles ?? false),
            ]
            if !files.contains(where: { $0.expires == nil }), let last = files.compactMap(\.expires).max(),
                let time = Timestamp(seconds: last, nanoseconds: 0)
            {
                map["expires"] = .timestamp(time)
            }
            return .map(map)
        }
        let broken = contents.broken.sorted { $0.key < $1.key }.map { ($0.key, Value.string($0.value)) }
        return ["principals": .array(principals), "broken": .map(Value.Map(uniqueKeysWithValues: broken))]
    }
}
