package import Bytes
package import Clocks
package import JSON
package import Postgres

extension Business {
    /// Who did what, on what, from where.
    package var audit: Audit { Audit() }
}

/// The audit log.
///
/// Every state change writes it in the same transaction; nothing changes or deletes its rows.
package struct Audit: Sendable {
    /// What an entry is about.
    package typealias Resource = (type: String, id: Identifier?)

    /// Writes an entry.
    ///
    /// - Parameters:
    ///   - action: `noun.verb`, as `plan.purchase`.
    ///   - account: whose thing it is; the entry is seen by that account and its ancestors.
    ///   - before: and `after`: the changed fields. Secrets do not belong here, not even masked by the reader.
    package func write(
        action: String, resource: Resource, account: Identifier, by caller: Caller?, before: JSONValue? = nil, after: JSONValue? = nil,
        metadata: JSONValue? = nil, job: Identifier? = nil, on connection: Connection
    ) throws {
        try connection.run(
            SQL.Audit.insert, Identifier.next(), account, caller?.actorID, caller?.subjectID, caller?.apiKeyID, action, resource.type, resource.id,
            before,
            after, metadata, caller?.ip, caller?.userAgent.map { String($0.prefix(400)) }, caller?.requestID, job)
    }

    /// What a list of entries is narrowed to.
    package struct Filter: Sendable {
        package var action: String?
        package var resourceType: String?
        package var resourceID: Identifier?
        package var actorID: Identifier?
        package var from: Instant?
        package var to: Instant?

        package init() {}
    }

    /// Entries of the caller's subtree, newest first.
    ///
    /// - Throws: `BusinessError` `permission_denied`.
    package func list(
        _ filter: Filter, after cursor: Identifier?, limit: Int, by caller: Caller, on connection: Connection
    ) throws -> Page<AuditEntry> {
        try caller.require(.auditView)
        let rows = try connection.run(
            SQL.Audit.list.plannedAnew, caller.accountID, cursor, filter.action, filter.resourceType, filter.resourceID, filter.actorID, filter.from,
            filter.to,
            limit + 1)
        return try Page(rows.map { try AuditEntry($0) }, limit: limit) { $0.id }
    }
}
