import ContainerProtocol
import Testing

@testable import Worker

/// The order in which `list` pages.
struct ContainerOrderTests {
    private func id(_ text: String) throws -> ContainerID { try #require(ContainerID(text)) }

    @Test func idsComeInOrderWhateverCameBetween() throws {
        var order = ContainerOrder()
        for text in ["b", "d", "a"] { order.insert(try id(text)) }
        #expect(order.ids(after: nil).map(\.rawValue) == ["a", "b", "d"])
        order.remove(try id("b"))
        order.insert(try id("c"))
        order.insert(try id("e"))
        order.remove(try id("e"))
        #expect(order.ids(after: nil).map(\.rawValue) == ["a", "c", "d"])
        #expect(order.ids(after: "a").map(\.rawValue) == ["c", "d"])
        #expect(order.ids(after: "b").map(\.rawValue) == ["c", "d"])
        #expect(order.ids(after: "z").isEmpty)
    }

    @Test func anIdThatGoesAndComesAgainIsThereOnce() throws {
        var order = ContainerOrder()
        order.insert(try id("a"))
        _ = order.ids(after: nil)
        order.remove(try id("a"))
        order.insert(try id("a"))
        #expect(order.ids(after: nil).map(\.rawValue) == ["a"])
    }
}
