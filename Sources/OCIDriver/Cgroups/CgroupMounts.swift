/// Where a host's cgroup hierarchies are mounted. Read from `/proc/self/mountinfo`; pure.
struct CgroupMounts: Equatable, Sendable {
    /// The mount points of version 1, by controller; a hierarchy with several has an entry for each.
    private(set) var controllers: [String: String] = [:]
    /// The mount point of version 2, where there is one.
    private(set) var unified: String?

    /// - Parameter mountInfo: the text of `/proc/self/mountinfo`.
    init(mountInfo: String) {
        for line in mountInfo.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator + 3 < fields.count, fields.count > 4 else {
                continue
            }
            let point = String(fields[4])
            switch fields[separator + 1] {
            case "cgroup2": unified = unified ?? point
            case "cgroup":
                for option in fields[separator + 3].split(separator: ",") where option != "rw" && option != "ro" {
                    let name = option.hasPrefix("name=") ? String(option.dropFirst(5)) : String(option)
                    controllers[name] = controllers[name] ?? point
                }
            default: break
            }
        }
    }

    /// Whether the host has version 2 alone, or beside it version 1 with the controllers.
    var isUnified: Bool { unified != nil && controllers.isEmpty }

    /// Whether version 1 has the controllers and version 2 is mounted beside it, which some runtimes refuse.
    var isHybrid: Bool { unified != nil && !controllers.isEmpty }

    /// Every hierarchy's mount point, each once.
    var points: [String] { Set(controllers.values).union(unified.map { [$0] } ?? []).sorted() }

    /// Where a controller's files of `group` are.
    /// - Parameter group: the path of a cgroup below every hierarchy's root, with a slash before it.
    func folder(_ controller: String, of group: String) -> String? {
        (isUnified ? unified : controllers[controller]).map { $0 + group }
    }
}
