package import Clocks

/// A driver that buys from somebody else's system.
///
/// What speaks to the outside lives above the rules; this is what they need of it.
///
/// An order is three steps, and each can be taken again after a crash: a quote costs nothing; placing the same quote under the same key gives the same
/// receipt, so it is also how an order is looked up whose answer was lost; looking at the progress changes nothing.
///
/// All of them throw `UpstreamError`, and `CancellationError` when the calling task was cancelled.
package protocol UpstreamProvider: Sendable {
    /// Asks for the price.
    func quote(_ order: UpstreamOrder) async throws -> UpstreamQuote
    /// Orders what was quoted, once per key.
    func place(_ order: UpstreamOrder, _ quote: UpstreamQuote, key: String) async throws -> UpstreamReceipt
    /// Looks how far an order is.
    func progress(of order: UpstreamOrder, _ receipt: UpstreamReceipt) async throws -> UpstreamProgress
}

/// What is to be bought upstream.
package enum UpstreamOrder: Sendable {
    case plan(PlanOrder)
    /// More of a plan that the upstream knows by this reference.
    case `extension`(PlanOrder, of: String)

    package var plan: PlanOrder {
        switch self {
        case .plan(let order), .extension(let order, _): order
        }
    }
}

/// A price that the upstream has shown and stands by for a while.
package struct UpstreamQuote: Sendable, Hashable {
    package var id: String
    package var price: String
    package var currency: String
    /// Nil: not said.
    package var expiresAt: Instant?

    package init(id: String, price: String, currency: String, expiresAt: Instant?) {
        self.id = id
        self.price = price
        self.currency = currency
        self.expiresAt = expiresAt
    }
}

/// What the upstream said to an order that it took.
package struct UpstreamReceipt: Sendable, Hashable {
    /// The upstream's id of the plan.
    package var plan: String
    /// The upstream's id of its work on it.
    package var job: String

    package init(plan: String, job: String) {
        self.plan = plan
        self.job = job
    }
}

/// How far an order is.
package enum UpstreamProgress: Sendable {
    case waiting
    case delivered(UpstreamDelivery)
    /// It was taken first and given up later; nothing was bought.
    case refused(code: String)
    /// It will not go on without somebody at the upstream.
    case stuck
}
