import MessagePack

/// The keys of an OCI object that are ignored, as dotted paths: up to ``Bounds/ignored`` of them, and the number of the
/// others.
struct IgnoredKeys {
    private var paths: [String] = []
    private var more = 0

    /// Notes the keys of `object` that were not taken.
    mutating func add(_ object: SpecificationReader.Object) {
        for key in object.rest.keys {
            guard paths.count < Bounds.ignored.upperBound else {
                more += 1
                continue
            }
            paths.append(object.path(Excerpt(key).description))
        }
    }

    /// The list as an answer has it, with paths that begin below `root`.
    func list(below root: String) -> [String] {
        let list = paths.map { String($0.dropFirst(root.count + 1)) }
        return more == 0 ? list : list + ["and \(more) more"]
    }
}
