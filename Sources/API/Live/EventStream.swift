internal import Business
internal import Bytes
internal import HTTPServer
internal import JSON
internal import Postgres

/// `GET /events`: a stream of Server-Sent Events that shows what its caller may see.
///
/// First the subscription, then what is there already: a change in between is told twice rather than not at all.
enum EventStream {
    static let operation = "streamEvents"

    static func open(_ call: Call) async throws -> Response {
        let (business, caller, origin) = (call.business, call.caller, call.origin)
        try caller.require(.jobsView)
        if call.request.method == .head { return Response(200, headers: ["Content-Type": "text/event-stream"]) }
        let credential = try Credentials.find(call.request, tokens: call.context.settings.tokens)
        let job = call.query.id("jobId")
        let source = EventSource()
        let viewer = EventViewer(
            caller: caller, job: job, source: source, lifetime: call.context.settings.eventStreamLifetime,
            check: { _ = try business.authenticate(credential, from: origin, on: $0) })
        do {
            try await call.context.events.add(viewer)
            if let job {
                let record = try await call.context.database.run { try business.jobs.find(job, by: caller, on: $0) }
                source.send(event: "job", data: record.json(detailed: false).text)
            } else {
                source.send(event: "hello", data: (["accountId": .string(caller.accountID.text("acct"))] as JSONValue).text)
            }
        } catch {
            source.finish()
            call.context.events.remove(viewer.id)
            throw error
        }
        return .events(source)
    }
}
