internal import Business
internal import Bytes
internal import HTTPServer
internal import JSON

/// What a handler answers: a document and where to find what was made.
struct Reply: Sendable {
    var status: Int
    var json: JSONValue?
    /// Where what was made is, or where its job can be followed.
    var location: String?
    /// The member that is shown once: an answer that is given again does not have it.
    var shownOnce: String?

    init(_ status: Int, _ json: JSONValue? = nil, location: String? = nil, shownOnce: String? = nil) {
        self.status = status
        self.json = json
        self.location = location.map { "/api/v1" + $0 }
        self.shownOnce = shownOnce
    }

    static func ok(_ json: JSONValue) -> Reply { Reply(200, json) }

    static func created(_ json: JSONValue, at location: String, shownOnce: String? = nil) -> Reply {
        Reply(201, json, location: location, shownOnce: shownOnce)
    }

    /// 202: a job will do it; the answer says where it can be followed.
    static func accepted(_ job: Identifier, _ json: JSONValue) -> Reply { Reply(202, json, location: "/jobs/" + job.text("job")) }

    static let done = Reply(204)

    /// A whole list.
    static func list(_ items: [JSONValue]) -> Reply { .ok(["data": .array(items)]) }

    /// A page of a list.
    static func page<Item>(_ page: Page<Item>, _ json: (Item) throws -> JSONValue) rethrows -> Reply {
        .ok([
            "data": .array(try page.items.map(json)), "nextCursor": page.next.map { .string($0.text("cur")) } ?? .null,
        ])
    }

    var response: Response {
        var response = json.map { Response.json($0.serialized(), status: status) } ?? Response(status)
        if let location { response.headers["Location"] = location }
        return response
    }

    /// As it is kept for repetitions of the request.
    var stored: StoredResponse {
        var replay: [UInt8]?
        if let shownOnce, var object = json?.object {
            object[shownOnce] = nil
            replay = JSONValue.object(object).serialized()
        }
        return StoredResponse(
            status: status, body: json?.serialized() ?? [], contentType: "application/json", location: location, replayBody: replay)
    }
}

extension StoredResponse {
    var asResponse: Response {
        var response = body.isEmpty ? Response(status) : Response(status, headers: ["Content-Type": contentType], body: .bytes(body))
        if let location { response.headers["Location"] = location }
        if replayed { response.headers["Idempotent-Replayed"] = "true" }
        return response
    }
}
