package import Bytes
package import Clocks
package import JSON
internal import Postgres

/// One event for one endpoint, with the result of its last attempt.
package struct WebhookDelivery: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case pending, delivered, failed, cancelled
    }

    package var id: Identifier
    package var eventID: Identifier
    package var endpointID: Identifier
    package var type: String
    package var state: State
    package var attempts: Int
    /// The job that sends it, or sent it last.
    package var jobID: Identifier
    package var createdAt: Instant
    package var endedAt: Instant?
    package var nextAttemptAt: Instant?
    package var status: Int?
    package var durationMicroseconds: Int64?
    package var errorCode: String?
    package var error: String?

    init(_ row: Row) throws {
        id = try row("id")
        eventID = try row("event_id")
        endpointID = try row("endpoint_id")
        type = try row("type")
        state = State(rawValue: try row("state")) ?? .pending
        attempts = try row("attempts")
        jobID = try row("job_id")
        createdAt = try row("created_at")
        endedAt = try row("ended_at")
        nextAttemptAt = try row("next_attempt_at")
        status = try row("status")
        durationMicroseconds = try row("duration_us")
        errorCode = try row("error_code")
        error = try row("error")
    }

    /// As the API shows it.
    package var json: JSONValue {
        [
            "id": .string(id.text("msg")), "eventId": .string(eventID.text("evt")), "endpointId": .string(endpointID.text("we")),
            "eventType": .string(type), "state": .string(state.rawValue), "attempts": .int(Int64(attempts)),
            "jobId": .string(jobID.text("job")), "createdAt": .time(createdAt), "endedAt": .time(endedAt),
            "nextAttemptAt": state == .pending ? .time(nextAttemptAt) : .null, "statusCode": status.map { .int(Int64($0)) } ?? .null,
            "durationMs": durationMicroseconds.map { .int($0 / 1000) } ?? .null, "errorCode": errorCode.map(JSONValue.string) ?? .null,
            "error": error.map(JSONValue.string) ?? .null,
        ]
    }
}

/// One try of a delivery.
package struct WebhookAttempt: Sendable {
    /// Counts over all sendings of the delivery; given when it is written down.
    package internal(set) var attempt = 0
    package var startedAt: Instant
    package var durationMicroseconds: Int64
    /// Nil when there was no answer.
    package var status: Int?
    package var errorCode: String?
    package var error: String?
    /// The beginning of the answer's body as text.
    package var responseBody: String?
    package var responseTruncated = false
    package var remoteAddress: String?
    /// Microseconds from the start: name lookup, connection, TLS, first byte.
    package var timings: [Int64?] = [nil, nil, nil, nil]

    package init(startedAt: Instant) {
        self.startedAt = startedAt
        durationMicroseconds = 0
    }

    init(_ row: Row) throws {
        attempt = try row("attempt")
        startedAt = try row("started_at")
        durationMicroseconds = try row("duration_us")
        status = try row("status")
        errorCode = try row("error_code")
        error = try row("error")
        responseBody = try row("response_body")
        responseTruncated = try row("response_truncated")
        remoteAddress = try row("remote_address")
        timings = [try row("name_lookup_us"), try row("connect_us"), try row("tls_us"), try row("first_byte_us")]
    }

    /// As the API shows it.
    package var json: JSONValue {
        let names = ["nameLookupUs", "connectUs", "tlsUs", "firstByteUs"]
        var times = JSONObject()
        for (name, time) in zip(names, timings) { times[name] = time.map(JSONValue.int) ?? .null }
        return [
            "attempt": .int(Int64(attempt)), "startedAt": .time(startedAt), "durationMs": .int(durationMicroseconds / 1000),
            "statusCode": status.map { .int(Int64($0)) } ?? .null, "errorCode": errorCode.map(JSONValue.string) ?? .null,
            "error": error.map(JSONValue.string) ?? .null, "responseBody": responseBody.map(JSONValue.string) ?? .null,
            "responseTruncated": .bool(responseTruncated), "timings": .object(times),
        ]
    }
}
