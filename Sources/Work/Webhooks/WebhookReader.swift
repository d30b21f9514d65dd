internal import Business
internal import Bytes
internal import Postgres
internal import Synchronization

/// Reads deliveries for sending, many at once: those that are asked for while a read is under way go together in the next.
///
/// A claim begins sixty jobs in a moment; each reading for itself was a round trip a delivery, and the half of what a delivery cost the database's lanes.
final class WebhookReader: Sendable {
    private struct Question: Sendable {
        var delivery: Identifier
        var job: Identifier
        var queue: String
        var answer: CheckedContinuation<WebhookDispatch, any Error>
    }

    private struct State {
        var waiting: [Question] = []
        var readers = 0
    }

    /// Two: one reads while the next gather, and one lane in the middle of a reconnect does not hold up all.
    private static let readers = 2
    private static let largest = 200

    private let webhooks: Webhooks
    private let state = Mutex(State())

    init(_ webhooks: Webhooks) {
        self.webhooks = webhooks
    }

    /// What is to become of a delivery.
    func dispatch(_ delivery: Identifier, job: Identifier, queue: String, on database: Database) async throws -> WebhookDispatch {
        try await withCheckedThrowingContinuation { continuation in
            let begins = state.withLock { state in
                state.waiting.append(Question(delivery: delivery, job: job, queue: queue, answer: continuation))
                guard state.readers < Self.readers else { return false }
                state.readers += 1
                return true
            }
            if begins { Task { await read(from: database) } }
        }
    }

    private func read(from database: Database) async {
        while let batch = next() {
            let requests = batch.map { (delivery: $0.delivery, job: $0.job, queue: $0.queue) }
            do {
                let found = try await once(requests, database)
                for question in batch { question.answer.resume(returning: found[question.delivery] ?? .skip) }
            } catch {
                for question in batch { question.answer.resume(throwing: error) }
            }
        }
    }

    private func next() -> [Question]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.readers -= 1
                return nil
            }
            let batch = Array(state.waiting.prefix(Self.largest))
            state.waiting.removeFirst(batch.count)
            return batch
        }
    }

    /// Again once when the connection was lost: reading twice harms nobody, and failing would spend an attempt of each.
    private func once(
        _ requests: [(delivery: Identifier, job: Identifier, queue: String)], _ database: Database
    ) async throws -> [Identifier: WebhookDispatch] {
        do {
            return try await database.run { [webhooks] in try webhooks.dispatch(requests, on: $0) }
        } catch let error as PostgresError where error.isConnectionLoss || error.isTransient {
            return try await database.run { [webhooks] in try webhooks.dispatch(requests, on: $0) }
        }
    }
}
