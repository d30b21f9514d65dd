internal import Postgres

/// What becomes of an order that would cost us more at the upstream than our customer pays.
package enum LossRule: String, Sendable, Hashable, CaseIterable, PostgresEncodable, PostgresDecodable {
    /// It is not ordered: its money is free again, and its job is dead.
    case refuse
    /// It is ordered, and the log says so.
    case warn

    /// Why an order at this cost is a loss; nil when it is none.
    ///
    /// Amounts in two currencies cannot be compared, so under a rule that forbids losses such an order counts as one.
    package static func loss(cost: Money, in currency: String, on order: PlanOrder) -> String? {
        guard currency == order.currency else { return "the upstream asks for \(currency), the customer pays in \(order.currency)" }
        guard cost > order.price else { return nil }
        return "the upstream asks for \(cost) \(currency), the customer pays \(order.price)"
    }
}
