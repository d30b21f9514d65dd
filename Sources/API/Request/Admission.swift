internal import Business
internal import HTTPServer
internal import Postgres

/// The door: how often this address calls, and who calls.
///
/// One visit to the database.
///
/// The count comes first and on its own, not in a transaction: a refused request counts too, and the counter's row is not locked while the request
/// runs. What authentication refuses is kept and not thrown, so that its answer carries the limit's headers like every other.
struct Admission: Sendable {
    /// How the address's limit stands; nil when there is none.
    var rate: RateLimitState?
    private var outcome: Result<Caller?, BusinessError>

    /// Who was let in; nil for a public operation.
    ///
    /// - Throws: what authentication refused, `too_many_requests`.
    var caller: Caller? {
        get throws(BusinessError) { try outcome.get() }
    }

    static func decide(_ request: Request, _ operation: ContractOperation, from origin: Origin, in context: APIContext) async throws -> Admission {
        let limit = operation.rateLimit == .none ? 0 : context.settings.rateLimit
        guard limit > 0 || !operation.isPublic else { return Admission(rate: nil, outcome: .success(nil)) }
        let tokens = context.settings.tokens
        return try await context.database.run { connection in
            let business = context.business
            var admission = Admission(rate: nil, outcome: .success(nil))
            if limit > 0 {
                let state = try business.rateLimits.take("ip:" + origin.limitKey, limit: limit, window: .seconds(60), on: connection)
                admission.rate = state
                guard state.allowed else {
                    admission.outcome = .failure(tooMany(state))
                    return admission
                }
            }
            guard !operation.isPublic else { return admission }
            do {
                let credential = try Credentials.find(request, tokens: tokens)
                admission.outcome = .success(try business.authenticate(credential, from: origin, on: connection))
            } catch let error as BusinessError {
                admission.outcome = .failure(error)
            }
            return admission
        }
    }

    private static func tooMany(_ state: RateLimitState) -> BusinessError {
        BusinessError(
            .tooManyRequests, "too_many_requests",
            "At most \(state.limit) requests a minute are taken from one address. Wait \(state.resetAfter.wholeSeconds) s.",
            retryAfter: state.resetAfter)
    }
}

extension Response {
    /// Says how the limit stands (draft-ietf-httpapi-ratelimit-headers, in the form with three fields).
    mutating func setRate(_ state: RateLimitState?) {
        guard let state else { return }
        headers["RateLimit-Limit"] = String(state.limit)
        headers["RateLimit-Remaining"] = String(state.remaining)
        headers["RateLimit-Reset"] = String(state.resetAfter.wholeSeconds)
    }
}

extension Duration {
    /// Seconds, rounded up; at least one, because that is what a client should wait.
    var wholeSeconds: Int64 { max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0)) }
}
