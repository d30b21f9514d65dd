internal import Business
internal import Bytes
package import Engine
internal import JSON
internal import Postgres

/// `webhook.resume`: brings back what waits for an endpoint that answers again, batch after batch, each in its own transaction.
///
/// It moves times and sends nothing itself: doing it twice, or half of it twice, harms nobody.
package struct WebhookResumeJob: LeasedJob {
    package struct Payload: Decodable, Sendable {
        package var endpointId: String
    }

    private let webhooks: Webhooks

    package init(_ services: Services) {
        webhooks = services.business.webhooks
    }

    @concurrent package func run(_ payload: Payload, in context: LeasedContext) async throws -> Outcome {
        guard let endpoint = Identifier(payload.endpointId, prefix: "we") else {
            throw JobError(.invalid, code: "invalid_payload", "endpointId is not the id of an endpoint")
        }
        var last: Identifier?
        var count = 0
        repeat {
            try Task.checkCancellation()
            let batch = try await context.database.transaction { [webhooks, last] in try webhooks.bringBack(endpoint, after: last, on: $0) }
            count += batch.count
            last = batch.last
        } while last != nil
        return .done(["broughtBack": .int(Int64(count))])
    }
}
