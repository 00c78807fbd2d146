import ContainerModel

/// The ids of all containers in their order, for pages. Pure.
///
/// They are kept in chunks, so that an insertion moves only a few of them.
struct ContainerOrder {
    /// Chunks in order, each in order and none empty.
    private var chunks: [[ContainerID]] = []

    /// The longest chunk; a longer one is split in two.
    private static let longest = 512

    mutating func insert(_ id: ContainerID) {
        guard !chunks.isEmpty else { return chunks = [[id]] }
        let chunk = max(0, ContainerOrder.place(of: id, in: chunks) { $0[0] } - 1)
        let place = ContainerOrder.place(of: id, in: chunks[chunk]) { $0 }
        guard place == 0 || chunks[chunk][place - 1] != id else { return }
        chunks[chunk].insert(id, at: place)
        guard chunks[chunk].count > ContainerOrder.longest else { return }
        let half = chunks[chunk].count / 2
        chunks.insert(Array(chunks[chunk][half...]), at: chunk + 1)
        chunks[chunk].removeSubrange(half...)
    }

    mutating func remove(_ id: ContainerID) {
        let chunk = ContainerOrder.place(of: id, in: chunks) { $0[0] } - 1
        guard chunk >= 0 else { return }
        let place = ContainerOrder.place(of: id, in: chunks[chunk]) { $0 } - 1
        guard place >= 0, chunks[chunk][place] == id else { return }
        chunks[chunk].remove(at: place)
        if chunks[chunk].isEmpty { chunks.remove(at: chunk) }
    }

    /// Visits the ids after `text` in their order, all of them where it is nil, until `visit` returns false.
    func visit(after text: String?, _ visit: (ContainerID) -> Bool) {
        var place = (chunk: 0, index: 0)
        if let text {
            place.chunk = max(0, ContainerOrder.place(of: text, in: chunks) { $0[0].rawValue } - 1)
            guard place.chunk < chunks.count else { return }
            place.index = ContainerOrder.place(of: text, in: chunks[place.chunk]) { $0.rawValue }
        }
        while place.chunk < chunks.count {
            for id in chunks[place.chunk][place.index...] where !visit(id) { return }
            place = (place.chunk + 1, 0)
        }
    }

    private static func place<Element>(
        of id: ContainerID, in elements: [Element], _ key: (Element) -> ContainerID
    ) -> Int {
        place(of: id.rawValue, in: elements) { key($0).rawValue }
    }

    /// How many elements come before or at `text`.
    private static func place<Element>(of text: String, in elements: [Element], _ key: (Element) -> String) -> Int {
        var (low, high) = (0, elements.count)
        while low < high {
            let middle = (low + high) / 2
            if key(elements[middle]) <= text { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
