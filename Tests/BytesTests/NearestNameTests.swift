import Bytes
import Testing

@Suite struct NearestNameTests {
    static let keys = ["maxAttempts", "timeout", "priority", "queue", "backoff", "id"]

    @Test(arguments: [
        ("maxAttempt", "maxAttempts"), ("max_attempts", "maxAttempts"), ("MAXATTEMPTS", "maxAttempts"), ("timeuot", "timeout"), ("timout", "timeout"),
        ("priorty", "priority"), ("quueue", "queue"), ("qeuue", "queue"), ("back-off", "backoff"), ("di", "id"), ("attempts", "maxAttempts"),
    ])
    func `a slip finds the name that was meant`(typed: String, meant: String) {
        #expect(NearestName.suggestion(for: typed, among: Self.keys) == meant)
    }

    @Test(arguments: ["", "-", "colour", "x", "zz", "___"])
    func `what resembles nothing gets no suggestion`(typed: String) {
        #expect(NearestName.suggestion(for: typed, among: Self.keys) == nil)
    }

    @Test func `the nearest wins, and the first among equals`() {
        #expect(NearestName.suggestion(for: "queues", among: ["quotes", "queue"]) == "queue")
        #expect(NearestName.suggestion(for: "cat", among: ["bat", "hat"]) == "bat")
        #expect(NearestName.suggestion(for: "cat", among: []) == nil)
        #expect(NearestName.suggestion(for: "a", among: ["b", ""]) == nil)
    }

    @Test func `a name of absurd length is not compared`() {
        let long = String(repeating: "a", count: 100_000)
        #expect(NearestName.suggestion(for: long, among: [long]) == nil)
    }
}
