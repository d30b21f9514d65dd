internal import Business
internal import Bytes
internal import Crypto
internal import Engine
internal import HTTPClient
internal import HTTPServer
internal import JSON
internal import Postgres
internal import Telemetry

/// Turns what was thrown into problem details: what the caller can do about it, and nothing of our inside.
enum Problems {
    /// One thing that is wrong with a request.
    struct Mistake: Sendable {
        var field: String?
        var parameter: String?
        var code: String
        var message: String

        init(field: String? = nil, parameter: String? = nil, code: String, message: String) {
            self.field = field
            self.parameter = parameter
            self.code = code
            self.message = message
        }

        static func nulCharacter(field: String? = nil, parameter: String? = nil) -> Mistake {
            Mistake(field: field, parameter: parameter, code: Violation.Code.notAllowed.rawValue, message: "must not contain the character U+0000")
        }

        var json: JSONValue {
            var object = JSONObject()
            object["field"] = field.map(JSONValue.string)
            object["parameter"] = parameter.map(JSONValue.string)
            object["code"] = .string(code)
            object["message"] = .string(message)
            return .object(object)
        }

        var sentence: String {
            guard let place = parameter ?? field, !place.isEmpty else { return "The body \(message)." }
            return "\(place) \(message)."
        }
    }

    static let nothingHere = Problem(404, "not_found", "There is no such thing", detail: "There is nothing of this name, or it is not yours to see.")

    static func invalidParameters(_ mistakes: [Mistake]) -> Problem {
        Problem(
            400, "invalid_parameter", "The request is not understood", detail: mistakes.first?.sentence,
            extra: ["errors": .array(mistakes.map(\.json))])
    }

    static func invalidBody(_ mistakes: [Mistake]) -> Problem {
        Problem(
            422, "validation_failed", "The request is not acceptable", detail: mistakes.first?.sentence, field: mistakes.first?.field,
            extra: ["errors": .array(mistakes.map(\.json))])
    }

    static func malformed(_ error: JSONError) -> Problem {
        var problem = Problem(400, "malformed_json", "The request is not understood", detail: "The body is not JSON: \(error).")
        if let line = error.line { problem.extra["line"] = .int(Int64(line)) }
        if let column = error.column { problem.extra["column"] = .int(Int64(column)) }
        return problem
    }

    /// The problem that an error is.
    ///
    /// What is our fault is logged and told as `internal_error`, with the request's id to find it by.
    static func problem(of error: any Error, _ request: Request, log: Logger) -> Problem {
        switch error {
        case let problem as Problem: return problem
        case let error as BusinessError: return problem(of: error)
        case let error as LedgerError: if let problem = problem(of: error) { return problem }
        case let error as JSONError where error.kind == .mismatch:
            return invalidBody([Mistake(field: error.path, code: Violation.Code.wrongType.rawValue, message: error.message)])
        case let error as HTTPClientError: if let problem = problem(of: error) { return problem }
        case let error as PostgresError:
            if let problem = problem(of: error) {
                log.warning(
                    "the database could not serve a request",
                    ["request": request.id, "route": request.route, "code": problem.code, "error": "\(error)"])
                return problem
            }
        case is CancellationError:
            return unavailable("request_cancelled", "The request was cancelled before it was done.")
        default: break
        }
        log.error("a request failed", ["request": request.id, "route": request.route, "error": String(describing: error)])
        return Problem(
            500, "internal_error", "Something went wrong on our side", detail: "Quote the request's id when you ask for help: it is in our log.")
    }

    private static func problem(of error: BusinessError) -> Problem {
        let (status, title) = face(of: error.kind)
        var problem = Problem(status, error.code, title, detail: error.message, field: error.field)
        if let wait = error.retryAfter ?? (error.kind == .unavailable ? .seconds(2) : nil) {
            problem.headers["Retry-After"] = String(wait.wholeSeconds)
        }
        if error.kind == .unauthenticated { problem.headers["WWW-Authenticate"] = "Bearer" }
        return problem
    }

    private static func face(of kind: BusinessError.Kind) -> (status: Int, title: String) {
        switch kind {
        case .badRequest: (400, "The request is not understood")
        case .unauthenticated: (401, "Authentication is needed")
        case .paymentRequired: (402, "The balance does not cover it")
        case .forbidden: (403, "Not allowed")
        case .notFound: (404, "There is no such thing")
        case .conflict: (409, "The state does not allow it")
        case .gone: (410, "Its time is over")
        case .invalid: (422, "The request is not acceptable")
        case .tooManyRequests: (429, "Too many requests")
        case .unavailable: (503, "Not available at the moment")
        }
    }

    private static func problem(of error: LedgerError) -> Problem? {
        switch error.kind {
        case .notFound, .unknownQueue: nothingHere
        case .wrongState: Problem(409, "job_state", "The state does not allow it", detail: error.message)
        case .contended: unavailable("busy", "Somebody else is changing the same thing; try again.")
        // A job that we made ourselves and that does not fit its own kind.
        case .unknownKind, .invalidPayload: nil
        }
    }

    private static func problem(of error: PostgresError) -> Problem? {
        switch error.kind {
        case .unreachable, .connectionLost, .tooManyConnections, .shuttingDown, .readOnly:
            return unavailable("database_unavailable", "The database cannot be reached. Nothing has happened; try again.")
        case .commitUnknown:
            return unavailable(
                "outcome_unknown",
                "The database was lost at the last moment: it may or may not have happened. Look, or repeat the request with the same Idempotency-Key."
            )
        case .lockTimeout, .deadlock, .serializationFailure, .statementTimeout, .cancelled, .stalePlan:
            return unavailable("busy", "Others are working on the same thing, or the system is overloaded. Nothing has happened; try again.")
        default:
            return error.isTransient
                ? unavailable("database_unavailable", "The database has run out of something. Nothing has happened; try again.") : nil
        }
    }

    /// A tenant's URL that may not be called.
    ///
    /// The client's sentence names nothing that they did not give.
    private static func problem(of error: HTTPClientError) -> Problem? {
        switch error.kind {
        case .invalidURL, .refusedAddress, .nameNotResolved, .timedOut:
            Problem(
                422, "url_not_allowed", "The request is not acceptable", detail: "Nothing can be sent to this URL: \(error.message).", field: "/url",
                extra: ["errors": .array([Mistake(field: "/url", code: "url_not_allowed", message: error.message).json])])
        case .cancelled, .stopped: unavailable("request_cancelled", "The request was cancelled before it was done.")
        default: nil
        }
    }

    private static func unavailable(_ code: String, _ detail: String) -> Problem {
        Problem(503, code, "Not available at the moment", detail: detail, headers: ["Retry-After": "2"])
    }
}

extension Problem {
    /// The answer, with where the code is explained and what to quote.
    func response(to request: Request) -> Response {
        var problem = self
        problem.extra["type"] = .string("/docs#" + code)
        problem.extra["requestId"] = .string(request.id.text("req"))
        return problem.response
    }
}
