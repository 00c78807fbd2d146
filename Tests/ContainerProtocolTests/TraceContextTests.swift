import ContainerProtocol
import Testing

/// The examples of W3C Trace Context, and what is malformed by it.
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    @Test(arguments: [
        "00-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-00", "00-\(trace)-\(parent)-ff",
        "cc-\(trace)-\(parent)-01", "cc-\(trace)-\(parent)-01-what-the-future-brings", "01-\(trace)-\(parent)-01-",
    ]) func whatFollowsTheRulesIsTaken(_ text: String) {
        #expect(TraceContext.valid(text) == text)
    }

    @Test(arguments: [
        "", "00", "00-a-b-01", "ff-\(trace)-\(parent)-01", "00-\(trace)-\(parent)-01-more", "00-\(trace)-\(parent)-1",
        "00-\(trace)-\(parent)", "00-\(String(repeating: "0", count: 32))-\(parent)-01",
        "00-\(trace)-0000000000000000-01", "00-\(trace.uppercased())-\(parent)-01", "0-\(trace)-\(parent)-01",
        "cc-\(trace)-\(parent)-01.more", "00-\(trace)-\(parent)-0x", " 00-\(trace)-\(parent)-01",
        "00-\(trace)g-\(parent)-01",
    ]) func whatIsMalformedIsDropped(_ text: String) {
        #expect(TraceContext.valid(text) == nil)
    }
}
