/// Webhooks: endpoints, events, deliveries.
package struct Webhooks: Sendable {
    let business: Business
}

extension Business {
    package var webhooks: Webhooks { Webhooks(business: self) }
}
