internal import Bytes
package import Engine
package import JSON

extension JobRecord {
    /// As the API shows it.
    ///
    /// The payload holds ids, never secrets; it is left out for those who may only follow the job.
    package func json(detailed: Bool) -> JSONValue {
        var object: JSONObject = [
            "id": .string(id.text("job")), "kind": .string(kind), "queue": .string(queue), "state": .string(state.rawValue),
            "attempt": .int(Int64(attempt)), "maxAttempts": .int(Int64(maxAttempts)), "priority": .int(Int64(priority)),
            "createdAt": .time(createdAt), "runAt": .time(runAt), "startedAt": .time(startedAt), "finishedAt": .time(finishedAt),
            "progress": progress ?? .null, "result": result ?? .null,
        ]
        object["accountId"] = accountID.map { .string($0.text("acct")) }
        object["parentId"] = parentID.map { .string($0.text("job")) }
        if let errorCode {
            object["error"] = ["code": .string(errorCode), "message": .string(error ?? "")]
        }
        if detailed {
            object["payload"] = payload
            object["attempts"] = .array(attempts)
        }
        return .object(object)
    }
}

extension QueueOverview {
    /// As the API shows it.
    package var json: JSONValue {
        [
            "queue": .string(queue), "summary": .string(summary), "paused": .bool(paused), "ready": .int(Int64(ready)),
            "scheduled": .int(Int64(scheduled)), "sent": .int(Int64(sent)), "parked": .int(Int64(parked)), "running": .int(Int64(running)),
            "dead": .int(Int64(dead)),
            "oldestRunnableSeconds": oldestRunnableSeconds.map { .double($0) } ?? .null, "kinds": .array(kinds.map(JSONValue.string)),
            "concurrency": ["min": .int(Int64(minimumConcurrency)), "max": .int(Int64(maximumConcurrency))],
        ]
    }
}
