import Business
import Bytes
import Clocks
import Crypto
import Engine
import JSON
import Postgres

extension Shop {
    func check(_ query: PriceQuery.Purchase, by caller: Caller, now: Instant = .now) async throws -> PriceCheck {
        try await act { try $1.priceChecks.check(query, by: caller, on: $0, now: now) }
    }

    func check(_ query: PriceQuery.Extension, by caller: Caller, now: Instant = .now) async throws -> PriceCheck {
        try await act { try $1.priceChecks.check(query, by: caller, on: $0, now: now) }
    }

    /// Checks the price and asks for the purchase.
    func request(_ query: PriceQuery.Purchase, by caller: Caller, reference: String? = nil) async throws -> PlanRequest {
        let check = try await check(query, by: caller)
        return try await act { try $1.plans.requestPurchase(check.id, customerReference: reference, by: caller, on: $0) }
    }

    /// The payload of a job as its handler gets it.
    func payload(_ request: PlanRequest) async throws -> PlanJobPayload {
        let job = try await act { connection, business in try business.ledger.find(request.jobID, on: connection)?.payload }
        return try (job ?? .null).decode(PlanJobPayload.self)
    }

    /// What the job `plan.purchase` does.
    @discardableResult
    func deliver(_ request: PlanRequest, now: Instant = .now) async throws -> PlanDelivery {
        let payload = try await payload(request)
        return try await act { try $1.plans.completePurchase(payload, job: request.jobID, on: $0, now: now) }
    }

    /// What a worker does with a batch: purchases and extensions in one transaction, sorted by account.
    func deliver(_ requests: [PlanRequest]) async throws {
        try await act { connection, business in
            for request in requests.sorted(by: { ($0.plan.accountID, $0.jobID) < ($1.plan.accountID, $1.jobID) }) {
                guard let job = try business.ledger.find(request.jobID, on: connection) else { continue }
                let payload = try job.payload.decode(PlanJobPayload.self)
                if job.kind == "plan.purchase" {
                    _ = try business.plans.completePurchase(payload, job: job.id, on: connection)
                } else {
                    _ = try business.plans.completeExtension(payload, job: job.id, on: connection)
                }
            }
        }
    }

    /// An active plan.
    func plan(_ query: PriceQuery.Purchase, by caller: Caller, now: Instant = .now) async throws -> Plan {
        try await deliver(try await request(query, by: caller), now: now).plan
    }

    /// An upstream and a product of it.
    func upstreamProduct() async throws {
        let staff = staff
        _ = try await act {
            try $1.providers.create(name: "elsewhere", baseURL: "https://reseller.example", apiKey: Self.apiKey, by: staff, on: $0)
        }
        var draft = Self.residential
        draft.code = "elsewhere"
        draft.provider = "elsewhere"
        draft.providerProduct = "resi-1"
        draft.stock = 100
        try await product(draft)
    }
}

extension Shop {
    static let apiKey = Secret("up_live_0123456789abcdef")
}
