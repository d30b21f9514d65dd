import Bytes
import Engine
import JSON
import Postgres
import Synchronization

/// Kinds that the engine's tests run: their definitions and handlers.
enum TestKinds {
    /// `test.atomic` and `test.leased`; `Tally` has handlers for them.
    static let bothStyles = [kind("test.atomic", style: "atomic"), kind("test.leased", style: "leased")]

    static let queues: [(file: String, text: String)] = [queue("fast"), queue("slow")]

    static func queue(_ name: String, batch: Int = 20, concurrency: Int = 2, least: Int? = nil, prefetch: Int = 50) -> (file: String, text: String) {
        (
            "\(name).json",
            """
            { "queue": "\(name)", "summary": "A queue of the tests.", "type": "quorum", "overflow": "reject-publish", "deadLetter": "dead-letters",
              "prefetch": \(prefetch), "batch": \(batch), "concurrency": { "min": \(least ?? concurrency), "max": \(concurrency) } }
            """
        )
    }

    static func kind(
        _ kind: String, style: String, queue: String = "fast", attempts: Int = 3, backoff: String = #"{ "base": "10ms", "cap": "20ms" }"#,
        timeout: String = "60s", extra: String = ""
    ) -> (file: String, text: String) {
        (
            "\(kind).json",
            """
            { "kind": "\(kind)", "summary": "A kind of the tests.", "handler": "TestJob", "style": "\(style)", "queue": "\(queue)",
              "maxAttempts": \(attempts), "backoff": \(backoff), "timeout": "\(timeout)", "retention": "1d", \(extra)
              "payload": { "type": "object", "properties": { "key": { "type": "string" } } }, "example": {} }
            """
        )
    }
}

struct AnyPayload: Decodable, Sendable {
    var key: String?
}

/// An atomic handler made of a closure.
struct AtomicTestJob: AtomicJob {
    let body: @Sendable (AnyPayload, AtomicContext) throws -> Outcome

    init(_ body: @escaping @Sendable (AnyPayload, AtomicContext) throws -> Outcome) { self.body = body }

    func run(_ payload: AnyPayload, in context: AtomicContext) throws -> Outcome { try body(payload, context) }
}

/// A leased handler made of a closure.
struct LeasedTestJob: LeasedJob {
    let body: @Sendable (AnyPayload, LeasedContext) async throws -> Outcome

    init(_ body: @escaping @Sendable (AnyPayload, LeasedContext) async throws -> Outcome) { self.body = body }

    @concurrent func run(_ payload: AnyPayload, in context: LeasedContext) async throws -> Outcome { try await body(payload, context) }
}

/// Counts across tasks and lanes.
final class Tally: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    @discardableResult
    func add(_ key: String = "") -> Int {
        counts.withLock { counts in
            counts[key, default: 0] += 1
            return counts[key, default: 0]
        }
    }

    subscript(_ key: String = "") -> Int { counts.withLock { $0[key] ?? 0 } }
    var total: Int { counts.withLock { $0.values.reduce(0, +) } }

    /// Handlers that count their runs by the payload's key, and do nothing else.
    var atomic: JobHandler { .atomic("test.atomic", AtomicTestJob { payload, _ in self.counted(payload) }) }
    var leased: JobHandler { .leased("test.leased", LeasedTestJob { payload, _ in self.counted(payload) }) }

    private func counted(_ payload: AnyPayload) -> Outcome {
        add(payload.key ?? "")
        return .done()
    }
}
