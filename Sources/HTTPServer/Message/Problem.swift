package import JSON

/// An error as a client sees it: problem details by RFC 9457, with a code that programs can rely on.
///
/// It is an `Error`, so a handler may throw it. `title` and `detail` are for people and may change; `code` may not.
package struct Problem: Error, Sendable {
    package var status: Int
    /// Stable, in snake_case: `not_found`, `insufficient_balance`.
    package var code: String
    package var title: String
    package var detail: String?
    /// The member of the request that is wrong, as a path: `address.city`.
    package var field: String?
    /// Further members of the document, behind the standard ones.
    package var extra: JSONObject
    /// Header fields of the response: `Retry-After`, `Allow`, `WWW-Authenticate`.
    package var headers: Headers

    package init(
        _ status: Int, _ code: String, _ title: String, detail: String? = nil, field: String? = nil, extra: JSONObject = JSONObject(),
        headers: Headers = Headers()
    ) {
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.field = field
        self.extra = extra
        self.headers = headers
    }

    /// The document as `application/problem+json`.
    package var response: Response {
        var document = JSONObject()
        document["title"] = .string(title)
        document["status"] = .int(Int64(status))
        document["code"] = .string(code)
        if let detail { document["detail"] = .string(detail) }
        if let field { document["field"] = .string(field) }
        for member in extra.members where document[member.key] == nil { document[member.key] = member.value }
        var response = Response.json(.object(document), status: status)
        for field in headers.fields { response.headers.add(field.name, field.value) }
        response.headers["Content-Type"] = "application/problem+json"
        return response
    }
}

extension Problem {
    package static func badRequest(_ detail: String? = nil, field: String? = nil) -> Problem {
        Problem(400, "bad_request", "The request is malformed", detail: detail, field: field)
    }

    package static var notFound: Problem { Problem(404, "not_found", "There is nothing at this address") }

    package static func methodNotAllowed(_ allowed: String) -> Problem {
        Problem(405, "method_not_allowed", "This address does not take this method", headers: ["Allow": allowed])
    }

    package static func bodyTooLarge(limit: Int) -> Problem {
        Problem(413, "body_too_large", "The request's body is too large", detail: "At most \(limit) bytes are taken.")
    }

    package static func targetTooLong(limit: Int) -> Problem {
        Problem(414, "uri_too_long", "The request's address is too long", detail: "Path and query have at most \(limit) bytes.")
    }

    package static func headersTooLarge(limit: Int) -> Problem {
        Problem(431, "headers_too_large", "The request's header fields are too large", detail: "Together they have at most \(limit) bytes.")
    }

    package static var internalError: Problem { Problem(500, "internal_error", "Something went wrong on our side") }

    package static var stopping: Problem {
        Problem(503, "server_stopping", "The server is stopping", detail: "Try again in a moment.", headers: ["Retry-After": "1"])
    }

    package static var requestTimeout: Problem { Problem(504, "request_timeout", "The request took too long") }
}
