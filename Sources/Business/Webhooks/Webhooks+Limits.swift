internal import Bytes
internal import Engine
internal import JSON
internal import Postgres

extension Webhooks {
    /// Puts an endpoint's limits where claims heed them; an endpoint without wishes of its own is under the kind's.
    ///
    /// In the order endpoint, health, limit: who locks several of an endpoint's rows takes them so.
    func applyLimits(of endpoint: Identifier, inFlight: Int, ratePerSecond: Int?, on connection: Connection) throws {
        let value = JSONValue.string(endpoint.text("we"))
        if inFlight == WebhookEndpointChange.standardInFlight, ratePerSecond == nil {
            try business.ledger.removeLimit(kind: Self.kind, value: value, on: connection)
        } else {
            let rate = ratePerSecond.map { JobDefinition.Rate(count: $0, per: .seconds(1), burst: $0) }
            try business.ledger.setLimit(LimitOverride(concurrency: inFlight, rate: rate), kind: Self.kind, value: value, on: connection)
        }
    }

    static let kind = "webhook.deliver"
}
