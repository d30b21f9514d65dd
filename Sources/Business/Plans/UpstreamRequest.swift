package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// One request that was made to a provider.
///
/// No body, no query, no header: nothing in it can be a secret.
package struct UpstreamRequest: Sendable, Hashable {
    package var id: Identifier
    package var providerID: Identifier
    package var providerName: String?
    package var accountID: Identifier?
    package var jobID: Identifier?
    package var method: String
    package var path: String
    /// Nil: no answer.
    package var status: Int?
    package var duration: Duration
    package var success: Bool
    package var errorCode: String?
    package var createdAt: Instant

    init(_ row: Row) throws {
        id = try row("id")
        providerID = try row("provider_id")
        providerName = try row("provider_name")
        accountID = try row("account_id")
        jobID = try row("job_id")
        method = try row("method")
        path = try row("path")
        status = try row("status")
        duration = .microseconds(try row("duration_us") as Int64)
        success = try row("success")
        errorCode = try row("error_code")
        createdAt = try row("created_at")
    }

    /// As the API shows it.
    package var json: JSONValue {
        var object: JSONObject = ["id": .string(id.text("upstream")), "providerId": .string(providerID.text("prov"))]
        object["provider"] = providerName.map(JSONValue.string)
        object["accountId"] = accountID.map { .string($0.text("acct")) }
        object["jobId"] = jobID.map { .string($0.text("job")) }
        object["method"] = .string(method)
        object["path"] = .string(path)
        object["status"] = status.map { .int(Int64($0)) }
        object["durationMs"] = .double(Double(duration.microseconds) / 1000)
        object["success"] = .bool(success)
        object["errorCode"] = errorCode.map(JSONValue.string)
        object["createdAt"] = .string(createdAt.text)
        return .object(object)
    }
}
