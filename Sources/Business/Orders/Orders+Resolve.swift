package import Bytes
package import Clocks
internal import Engine
internal import JSON
package import Postgres

extension Orders {
    /// Says that an order was not delivered: its money is free again; a plan that was never delivered is cancelled, one that was to be extended stays.
    ///
    /// Releasing what was released before changes nothing.
    ///
    /// - Parameter reason: for the customer and the audit log; no secret.
    /// - Throws: `BusinessError` `permission_denied` (`orders.resolve`), `operator_only`, `not_found`, `invalid_text`, `order_open`, `order_completed`.
    package func release(
        _ id: Identifier, reason: String, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> Order {
        try Plans.check(reason, "/reason")
        let order = try locked(id, by: caller, on: connection)
        if order.state == .released { return order }
        guard order.state == .unresolved else { throw Self.ended(order) }
        let payload = try payload(of: order, on: connection)
        if order.isExtension {
            try business.plans.releaseExtension(payload, reason: reason, job: id, actor: caller.actorID, on: connection, now: now)
        } else {
            try business.plans.releaseOrder(payload, reason: reason, job: id, actor: caller.actorID, on: connection, now: now)
        }
        return try recorded("order.release", order, ["reason": .string(reason)], payload, by: caller, on: connection)
    }

    /// Says that an order was delivered, and what: its money is taken, and the plan is active or extended.
    ///
    /// Only for what comes from an upstream: what is served here is delivered by a retry of the job.
    ///
    /// - Parameter reason: for the audit log.
    /// - Throws: `BusinessError` `permission_denied` (`orders.resolve`), `operator_only`, `not_found`, `invalid_text`, `order_open`, `order_completed`,
    ///   `order_released`, `order_served_here`, `invalid_delivery`, `provider_reference_differs`, `plan_username_taken`.
    package func complete(
        _ id: Identifier, as delivery: OrderDelivery, reason: String, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> Order {
        try Plans.check(reason, "/reason")
        let order = try locked(id, by: caller, on: connection)
        guard order.state == .unresolved else { throw Self.ended(order) }
        guard order.driver != .native else {
            throw BusinessError(.conflict, "order_served_here", "This product is served here: retry the job, and it delivers.")
        }
        let upstream = try delivery.checked(for: order, now: now)
        let payload = try payload(of: order, on: connection)
        do {
            if order.isExtension {
                _ = try business.plans.completeExtension(payload, upstream: upstream, job: id, actor: caller.actorID, on: connection, now: now)
            } else {
                _ = try business.plans.completeOrder(payload, upstream, job: id, actor: caller.actorID, on: connection, now: now)
            }
        } catch let error as BusinessError where error.code == "username_taken" {
            throw BusinessError(
                .conflict, "plan_username_taken", "Another plan has this user name: look whether it is this order.", field: "/credentials/username")
        }
        let metadata: JSONObject = ["reason": .string(reason), "reference": .string(upstream.reference)]
        return try recorded("order.complete", order, metadata, payload, by: caller, on: connection)
    }

    /// The order with nobody beside us who could end it: its ended job cannot be retried, and its wallet is ours, until the transaction ends.
    private func locked(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Order {
        precondition(connection.isInTransaction, "an order is resolved in one transaction")
        try caller.require(.ordersResolve)
        try Wallets.requireStaff(caller)
        let seen = try read(id, by: caller, on: connection)
        // The job may die between two looks; then its row is there at the second.
        if try connection.run(SQL.Orders.lockEnded, id).isEmpty, try connection.run(SQL.Orders.isAlive, id).isEmpty {
            try connection.run(SQL.Orders.lockEnded, id)
        }
        try business.wallets.lockWallet(ofHold: seen.holdID, on: connection)
        return try read(id, hold: seen.holdID, by: caller, on: connection)
    }

    private func payload(of order: Order, on connection: Connection) throws -> PlanJobPayload {
        if let job = try business.ledger.find(order.id, on: connection) { return try job.payload.decode(PlanJobPayload.self) }
        guard let row = try connection.run(SQL.Orders.priceCheck, order.id, order.planID).first else {
            throw BusinessError.notFound("price check")
        }
        return PlanJobPayload(plan: order.planID, hold: order.holdID, priceCheck: try row("id"))
    }

    private func recorded(
        _ action: String, _ before: Order, _ metadata: JSONObject, _ payload: PlanJobPayload, by caller: Caller, on connection: Connection
    ) throws -> Order {
        var metadata = metadata
        metadata["planId"] = .string(payload.planID.text("plan"))
        metadata["amount"] = .string(before.amount.description)
        try business.audit.write(
            action: action, resource: (type: "order", id: before.id), account: before.accountID, by: caller,
            before: ["state": .string(before.state.rawValue), "planStatus": .string(before.planStatus.rawValue)],
            after: ["state": .string(action == "order.release" ? Order.State.released.rawValue : Order.State.completed.rawValue)],
            metadata: .object(metadata), job: before.id, on: connection)
        return try read(before.id, hold: before.holdID, by: caller, on: connection)
    }

    private static func ended(_ order: Order) -> BusinessError {
        switch order.state {
        case .open:
            BusinessError(.conflict, "order_open", "Its job is still at work and may yet deliver. Wait until the job has ended.")
        case .completed:
            BusinessError(.conflict, "order_completed", "This order was delivered and paid; a refund gives the money back.")
        case .released, .unresolved:
            BusinessError(.conflict, "order_released", "This order's money was freed before; the customer has to buy again.")
        }
    }
}
