internal import Business
internal import Bytes
internal import Clocks
internal import Crypto
internal import HTTPClient
internal import JSON

/// Buys from a server that speaks the reseller API, our own (`docs/openapi.json`): a price check, `POST /plans` with an `Idempotency-Key` → 202 with a job,
/// the job, the plan, its credentials.
///
/// The upstream's id of the order travels back as our plan's id in `customerReference`, so that people on both sides can find it.
struct ResellerAPIProvider: UpstreamProvider {
    let access: ProviderAccess
    let http: HTTPClient
    let timeout: Duration
    /// Told about each request after it was made.
    let record: @Sendable (UpstreamExchange) async -> Void

    func quote(_ order: UpstreamOrder) async throws -> UpstreamQuote {
        var body: JSONObject = ["quantity": .int(Int64(order.plan.quantity))]
        body["period"] = order.plan.period.map { .string($0.rawValue) }
        let path: String
        switch order {
        case .plan(let plan):
            path = "/plans/check-price"
            body["product"] = .string(plan.product)
            if let country = plan.options.country { body["options"] = ["country": .string(country)] }
        case .extension(_, let reference):
            path = "/plans/\(PercentCoding.encode(reference))/extend/check-price"
        }
        let answer = try await send(.post, path, .object(body), step: .quote)
        return UpstreamQuote(
            id: try answer.text("id"), price: try answer.text("price"), currency: try answer.text("currency"),
            expiresAt: answer.body["expiresAt"]?.string.flatMap { Instant($0) })
    }

    func place(_ order: UpstreamOrder, _ quote: UpstreamQuote, key: String) async throws -> UpstreamReceipt {
        // The same bytes at every repetition: the upstream compares them.
        var body: JSONObject = ["priceCheckId": .string(quote.id)]
        let path: String
        switch order {
        case .plan(let plan):
            path = "/plans"
            body["customerReference"] = .string(plan.planID.text("plan"))
        case .extension(_, let reference):
            path = "/plans/\(PercentCoding.encode(reference))/extend"
        }
        let answer: ResellerAPIAnswer
        do {
            answer = try await send(.post, path, .object(body), key: key, step: .place)
        } catch let error as UpstreamError where error.code == "not_found" {
            // What is not found is the price check, when it is so old that the upstream has removed it.
            guard let expiresAt = quote.expiresAt, expiresAt < .now else { throw error }
            throw UpstreamError(.quoteExpired, code: error.code, "the upstream's price has expired")
        }
        guard let plan = answer.body["plan"]?["id"]?.string, let job = answer.body["job"]?["id"]?.string else { throw answer.unreadable }
        return UpstreamReceipt(plan: plan, job: job)
    }

    func progress(of order: UpstreamOrder, _ receipt: UpstreamReceipt) async throws -> UpstreamProgress {
        let job = try await send(.get, "/jobs/\(PercentCoding.encode(receipt.job))", step: .look)
        let state = try job.text("state")
        guard ["completed", "dead", "cancelled"].contains(state) else { return .waiting }
        if let code = job.body["result"]?["refusal"]?.string { return .refused(code: ResellerAPIAnswer.code(code)) }
        // A Millrace refuses an order that would be its loss by a dead job, and frees the money with it.
        if job.body["error"]?["code"]?.string == UpstreamPurchase.lossCode { return .refused(code: UpstreamPurchase.lossCode) }
        let path = "/plans/\(PercentCoding.encode(receipt.plan))"
        let plan = try await send(.get, path, step: .look)
        let expiresAt = plan.body["expiresAt"]?.string.flatMap { Instant($0) }
        if case .extension(_, let reference) = order {
            switch state {
            case "completed": return .delivered(UpstreamDelivery(reference: reference, credentials: nil, expiresAt: expiresAt))
            case "cancelled": return .refused(code: "upstream_cancelled")
            default: return .stuck
            }
        }
        switch try plan.text("status") {
        case "pending": return state == "completed" ? .waiting : .stuck
        case "cancelled": return .refused(code: "upstream_cancelled")
        default: break
        }
        let credentials = try await send(.get, path + "/credentials", step: .look)
        return .delivered(
            UpstreamDelivery(
                reference: receipt.plan,
                credentials: PlanCredentials(
                    username: try credentials.text("username"), password: Secret(try credentials.text("password")),
                    host: try credentials.text("host"),
                    httpPort: credentials.body["httpPort"]?.int.flatMap { Int(exactly: $0) },
                    socksPort: credentials.body["socksPort"]?.int.flatMap { Int(exactly: $0) }),
                quotaBytes: plan.body["quotaBytes"]?.int, expiresAt: expiresAt))
    }

    /// Makes one request and judges its answer.
    private func send(
        _ method: ClientRequest.Method, _ path: String, _ body: JSONValue? = nil, key: String? = nil, step: ResellerAPIAnswer.Step
    ) async throws -> ResellerAPIAnswer {
        var headers: HeaderFields = ["Accept": "application/json", "Authorization": "Bearer " + access.apiKey.reveal]
        if body != nil { headers.add("Content-Type", "application/json") }
        if let key { headers.add("Idempotency-Key", key) }
        let base = access.baseURL.hasSuffix("/") ? String(access.baseURL.dropLast()) : access.baseURL
        let request = ClientRequest(
            method, base + path, headers: headers, body: body?.serialized() ?? [], timeout: timeout, destination: .trusted)
        var exchange = UpstreamExchange(method: method.rawValue, path: path)
        let start = monotonicNanoseconds()
        let response: ClientResponse
        do {
            response = try await http.send(request)
        } catch {
            exchange.duration = .nanoseconds(monotonicNanoseconds() - start)
            exchange.errorCode = error.code
            await record(exchange)
            if error.kind == .cancelled || error.kind == .stopped { throw CancellationError() }
            throw UpstreamError(
                .unknown, code: error.mayHaveArrived ? "upstream_answer_unknown" : "upstream_unreachable",
                error.mayHaveArrived ? "the request may have arrived, but its answer did not" : "the upstream could not be reached")
        }
        exchange.duration = .nanoseconds(monotonicNanoseconds() - start)
        exchange.status = response.status
        let answer = ResellerAPIAnswer(response)
        let error = answer.error(at: step)
        exchange.errorCode = error?.code
        await record(exchange)
        if let error { throw error }
        return answer
    }
}

/// A request to an upstream, for its log: never a body, a header or a query.
struct UpstreamExchange: Sendable {
    var method: String
    var path: String
    var status: Int?
    var duration: Duration = .zero
    var errorCode: String?

    init(method: String, path: String) {
        self.method = method
        self.path = path
    }
}
