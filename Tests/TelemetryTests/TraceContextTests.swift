import Telemetry
import Testing

@Suite struct TraceContextTests {
    @Test(arguments: [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-00",
        "00-4bf92f3577b34da60000000000000000-0000000000000001-01",
    ])
    func `a header is read and written the same`(text: String) {
        #expect(TraceContext(traceparent: text)?.traceparent == text)
    }

    @Test func `a later version is read as far as it is known`() {
        let context = TraceContext(traceparent: "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-what-the-future-holds")
        #expect(context?.traceparent == "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        #expect(context?.traceID == "4bf92f3577b34da6a3ce929d0e0e4736")
    }

    @Test(arguments: [
        "", "00", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    ])
    func `what is no header is refused`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func `a child stays in the trace and has a span of its own`() {
        let parent = TraceContext.make(sampled: true)
        let child = parent.child()
        #expect(child.traceID == parent.traceID)
        #expect(child.span != parent.span)
        #expect(child.isSampled)
        #expect(TraceContext(traceparent: parent.traceparent) == parent)
        #expect(TraceContext.make().traceID != parent.traceID)
    }
}
