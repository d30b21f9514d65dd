package import Bytes
internal import Clocks
internal import JSON
package import Postgres

/// Plans: bought, delivered, extended, cancelled, expired.
///
/// A purchase is two transactions. The request's consumes the price check, holds the money, writes the plan as `pending` and enqueues the job, all or
/// nothing. The job's captures the hold and provisions. What guards "once" is the hold: it leaves the state `held` exactly once, and whoever moves it
/// does the rest in the same transaction.
///
/// Locks are taken in one order everywhere: price check, wallet, hold, plan, product.
package struct Plans {
    let business: Business

    /// Plans of the caller's subtree, the newest first.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.view`).
    package func list(
        _ filter: PlanFilter = PlanFilter(), after cursor: Identifier? = nil, limit: Int = 50, by caller: Caller, on connection: Connection
    ) throws -> Page<Plan> {
        try caller.require(.plansView)
        let rows = try connection.run(
            SQL.Plans.list.plannedAnew, caller.accountID, cursor, filter.accountID, filter.statuses.isEmpty ? nil : filter.statuses.map(\.rawValue),
            filter.productCode, filter.search, filter.groupName, filter.expiringBefore, limit + 1)
        return try Page(rows.map { try Plan($0) }, limit: limit) { $0.id }
    }

    /// One plan.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.view`), `not_found`.
    package func find(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Plan {
        try caller.require(.plansView)
        return try visible(id, by: caller, on: connection)
    }

    /// A plan that the caller may see, for a rule that has checked its own permission.
    func visible(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> Plan {
        guard let row = try connection.run(SQL.Plans.find, caller.accountID, id).first else { throw BusinessError.notFound("plan") }
        return try Plan(row)
    }

    /// A plan by its id, for rules that run without a caller.
    func read(_ id: Identifier, on connection: Connection) throws -> Plan {
        guard let row = try connection.run(SQL.Plans.read, id).first else { throw BusinessError.notFound("plan") }
        return try Plan(row)
    }

    /// A plan, locked until the transaction ends; whoever will need its wallet too has locked that before.
    func lock(_ id: Identifier, on connection: Connection) throws -> Plan {
        try Plan(connection.run(SQL.Plans.lock, id).only())
    }

    /// Writes the audit row and the event of a change that has just been made.
    func record(
        _ event: WebhookEventType, _ action: String, _ plan: Plan, by caller: Caller?, job: Identifier? = nil, extra: JSONObject = JSONObject(),
        on connection: Connection, now: Instant
    ) throws {
        try business.audit.write(
            action: action, resource: (type: "plan", id: plan.id), account: plan.accountID, by: caller, after: plan.json,
            metadata: extra.isEmpty ? nil : .object(extra), job: job, on: connection)
        var data = plan.json
        for member in extra.members { data[member.key] = member.value }
        try business.webhooks.emit(event, account: plan.accountID, data: ["plan": data], on: connection, now: now)
    }
}

extension Business {
    package var plans: Plans { Plans(business: self) }
}
