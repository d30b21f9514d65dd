package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// One line of the audit log.
package struct AuditEntry: Sendable {
    package var id: Identifier
    package var accountID: Identifier
    package var actorID: Identifier?
    package var actorName: String?
    package var subjectID: Identifier?
    package var apiKeyID: Identifier?
    package var action: String
    package var resourceType: String
    package var resourceID: Identifier?
    package var before: JSONValue?
    package var after: JSONValue?
    package var metadata: JSONValue?
    package var ip: String?
    package var userAgent: String?
    package var requestID: Identifier?
    package var jobID: Identifier?
    package var createdAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        accountID = try row("account_id")
        actorID = try row("actor_id")
        actorName = try row("actor_name")
        subjectID = try row("subject_id")
        apiKeyID = try row("api_key_id")
        action = try row("action")
        resourceType = try row("resource_type")
        resourceID = try row("resource_id")
        before = try row("before")
        after = try row("after")
        metadata = try row("metadata")
        ip = try row("ip")
        userAgent = try row("user_agent")
        requestID = try row("request_id")
        jobID = try row("job_id")
        createdAt = try row("created_at")
    }

    /// As the API shows it.
    package var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("audit")), "accountId": .string(accountID.text("acct")), "action": .string(action),
            "resourceType": .string(resourceType), "createdAt": .string(createdAt.text),
        ]
        object["resourceId"] = resourceID.map { .string($0.text(IdentifierPrefix.of(resource: resourceType))) }
        object["actorId"] = actorID.map { .string($0.text("user")) }
        object["actorName"] = actorName.map(JSONValue.string)
        if subjectID != actorID { object["subjectId"] = subjectID.map { .string($0.text("user")) } }
        object["apiKeyId"] = apiKeyID.map { .string($0.text("key")) }
        object["before"] = before
        object["after"] = after
        object["metadata"] = metadata
        object["ipAddress"] = ip.map(JSONValue.string)
        object["userAgent"] = userAgent.map(JSONValue.string)
        object["requestId"] = requestID.map { .string($0.text("req")) }
        object["jobId"] = jobID.map { .string($0.text("job")) }
        return .object(object)
    }
}
