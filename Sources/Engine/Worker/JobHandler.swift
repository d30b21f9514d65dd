internal import JSON

/// A kind whose effects are only in our database.
package protocol AtomicJob: Sendable {
    associatedtype Payload: Decodable & Sendable
    /// Does the work inside the transaction that also completes the job. Blocks its lane; must not wait for anything but the database.
    func run(_ payload: Payload, in context: AtomicContext) throws -> Outcome
}

/// A kind with effects outside the database: at least once, under `job.idempotencyKey`.
package protocol LeasedJob: Sendable {
    associatedtype Payload: Decodable & Sendable
    /// Does the work. Cancelled within a second when the job is cancelled, timed out, or its worker stops.
    @concurrent func run(_ payload: Payload, in context: LeasedContext) async throws -> Outcome
}

/// A handler of either style under one type; the registry is a list of these.
package struct JobHandler: Sendable {
    enum Run: Sendable {
        case atomic(@Sendable (JSONValue, AtomicContext) throws -> Outcome)
        case leased(@Sendable (JSONValue, LeasedContext) async throws -> Outcome)
    }

    package let kind: String
    let run: Run

    package static func atomic(_ kind: String, _ job: some AtomicJob) -> JobHandler {
        JobHandler(kind: kind, run: .atomic { payload, context in try job.run(decode(payload), in: context) })
    }

    package static func leased(_ kind: String, _ job: some LeasedJob) -> JobHandler {
        JobHandler(kind: kind, run: .leased { payload, context in try await job.run(decode(payload), in: context) })
    }

    private static func decode<Payload: Decodable>(_ payload: JSONValue) throws -> Payload {
        do {
            return try payload.decode(Payload.self)
        } catch {
            throw JobError(.invalid, code: "invalid_payload", String(describing: error))
        }
    }
}
