package import Bytes
package import Clocks
internal import JSON
package import Postgres

extension Plans {
    /// Changes a plan's reference, group and allowed addresses.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.edit`), `not_found`, `plan_ended` for a cancelled one, `invalid_text`.
    package func edit(
        _ id: Identifier, _ edit: PlanEdit, by caller: Caller, on connection: Connection, now: Instant = .now
    ) throws -> Plan {
        try caller.require(.plansEdit)
        _ = try visible(id, by: caller, on: connection)
        let before = try lock(id, on: connection)
        guard before.status != .cancelled else { throw BusinessError(.conflict, "plan_ended", "A cancelled plan does not change any more.") }
        let reference = edit.customerReference.applied(to: before.customerReference)
        let group = edit.groupName.applied(to: before.groupName)
        try Self.check(reference, "/customerReference")
        try Self.check(group, "/group")
        let networks = edit.allowedIPs?.map(\.cidr) ?? before.allowedIPs
        let after = try Plan(connection.run(SQL.Plans.edit, id, reference, group, networks, now).only())
        let changes = Difference(before.json, after.json)
        guard !changes.isEmpty else { return after }
        try business.audit.write(
            action: "plan.edited", resource: (type: "plan", id: id), account: after.accountID, by: caller, before: changes.before,
            after: changes.after, on: connection)
        return after
    }
}
