import ContainerModel
import Testing

@testable import Worker

/// The order in which `list` pages.
struct ContainerOrderTests {
    private func id(_ text: String) throws -> ContainerID { try #require(ContainerID(text)) }

    private func ids(_ order: ContainerOrder, after text: String?) -> [String] {
        var ids: [String] = []
        order.visit(after: text) { id in
            ids.append(id.rawValue)
            return true
        }
        return ids
    }

    @Test func idsComeInOrderWhateverCameBetween() throws {
        var order = ContainerOrder()
        for text in ["b", "d", "a"] { order.insert(try id(text)) }
        #expect(ids(order, after: nil) == ["a", "b", "d"])
        order.remove(try id("b"))
        order.insert(try id("c"))
        order.insert(try id("e"))
        order.remove(try id("e"))
        #expect(ids(order, after: nil) == ["a", "c", "d"])
        #expect(ids(order, after: "a") == ["c", "d"])
        #expect(ids(order, after: "b") == ["c", "d"])
        #expect(ids(order, after: "z").isEmpty)
    }

    @Test func anIdThatGoesAndComesAgainIsThereOnce() throws {
        var order = ContainerOrder()
        order.insert(try id("a"))
        order.remove(try id("a"))
        order.insert(try id("a"))
        #expect(ids(order, after: nil) == ["a"])
    }

    @Test func manyIdsStayInOrderWhateverOrderTheyCameIn() throws {
        var order = ContainerOrder()
        let texts = (0..<5000).map { "c\($0)" }
        for text in texts.shuffled() { order.insert(try id(text)) }
        #expect(ids(order, after: nil) == texts.sorted())
        for text in texts.shuffled().prefix(4000) { order.remove(try id(text)) }
        let rest = ids(order, after: nil)
        #expect(rest.count == 1000 && rest == rest.sorted())
        #expect(ids(order, after: rest[500]) == Array(rest[501...]))
    }

    @Test func aVisitEndsWhereItIsTold() throws {
        var order = ContainerOrder()
        for text in ["a", "b", "c"] { order.insert(try id(text)) }
        var seen: [String] = []
        order.visit(after: nil) { id in
            seen.append(id.rawValue)
            return seen.count < 2
        }
        #expect(seen == ["a", "b"])
    }
}
