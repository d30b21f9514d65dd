package import Bytes
internal import Crypto
package import Postgres

extension Plans {
    /// Opens a plan's credentials and writes into the audit log who saw them.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.credentials`), `not_found`, `no_credentials` while the plan is not delivered or after it was
    ///   cancelled; `CryptoError` when the encryption key is missing.
    package func credentials(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> PlanCredentials {
        try caller.require(.plansCredentials)
        let plan = try visible(id, by: caller, on: connection)
        guard plan.status != .cancelled, let credentials = try open(plan, on: connection) else {
            throw BusinessError(.conflict, "no_credentials", "This \(plan.status.rawValue) plan has no credentials.")
        }
        try business.audit.write(
            action: "plan.credentials_viewed", resource: (type: "plan", id: id), account: plan.accountID, by: caller, on: connection)
        return credentials
    }

    /// How to use a plan.
    ///
    /// The password is in it, and the audit log knows, when the caller may see credentials; else a placeholder.
    ///
    /// - Throws: `BusinessError` `permission_denied` (`plans.view`), `not_found`, `no_credentials`; `CryptoError`.
    package func connectionInfo(_ id: Identifier, by caller: Caller, on connection: Connection) throws -> ConnectionInfo {
        try caller.require(.plansView)
        if caller.permissions.contains(.plansCredentials) {
            return ConnectionInfo(try credentials(id, by: caller, on: connection))
        }
        let plan = try visible(id, by: caller, on: connection)
        guard plan.status != .cancelled, let username = plan.username, let host = plan.host else {
            throw BusinessError(.conflict, "no_credentials", "This \(plan.status.rawValue) plan has no credentials.")
        }
        return ConnectionInfo(username: username, password: nil, host: host, httpPort: plan.httpPort, socksPort: plan.socksPort)
    }

    private func open(_ plan: Plan, on connection: Connection) throws -> PlanCredentials? {
        guard let username = plan.username, let host = plan.host,
            let sealed: [UInt8] = try connection.run(SQL.Plans.password, plan.id).first?("password")
        else { return nil }
        let password = try business.keys.openText(sealed, associated: Self.associated(plan.id))
        return PlanCredentials(username: username, password: password, host: host, httpPort: plan.httpPort, socksPort: plan.socksPort)
    }
}
