internal import Business
internal import Clocks
internal import JSON

/// How far an order is, as the job keeps it between its runs.
///
/// What is written here was written *before* the step that it tells of (`sentAt`) or can be had again by repeating the step (`quote`, `receipt`): a crash
/// between any two lines costs a request, never an order.
struct UpstreamCheckpoint: Sendable {
    /// Counts the quotes that were ordered under a key of their own, from 1.
    var round = 1
    var quote: UpstreamQuote?
    /// When the order may have been sent for the first time under this round's key.
    var sentAt: Instant?
    var receipt: UpstreamReceipt?
    var placedAt: Instant?

    init() {}

    /// The key under which the upstream knows this round's order.
    func key(_ job: String) -> String { round == 1 ? job : "\(job).\(round)" }

    init(_ json: JSONValue?) {
        guard let json else { return }
        round = json["round"]?.int.flatMap { Int(exactly: $0) } ?? 1
        if let quote = json["quote"], let id = quote["id"]?.string, let price = quote["price"]?.string, let currency = quote["currency"]?.string {
            self.quote = UpstreamQuote(id: id, price: price, currency: currency, expiresAt: quote["expiresAt"]?.string.flatMap { Instant($0) })
        }
        sentAt = json["sentAt"]?.string.flatMap { Instant($0) }
        if let receipt = json["receipt"], let plan = receipt["plan"]?.string, let job = receipt["job"]?.string {
            self.receipt = UpstreamReceipt(plan: plan, job: job)
        }
        placedAt = json["placedAt"]?.string.flatMap { Instant($0) }
    }

    var json: JSONValue {
        var object: JSONObject = ["round": .int(Int64(round))]
        if let quote {
            object["quote"] = [
                "id": .string(quote.id), "price": .string(quote.price), "currency": .string(quote.currency), "expiresAt": .time(quote.expiresAt),
            ]
        }
        object["sentAt"] = sentAt.map { .string($0.text) }
        if let receipt { object["receipt"] = ["plan": .string(receipt.plan), "job": .string(receipt.job)] }
        object["placedAt"] = placedAt.map { .string($0.text) }
        return .object(object)
    }
}
