internal import Business
internal import Bytes
internal import Clocks
internal import Engine
internal import JSON
internal import Postgres
internal import Telemetry

/// One run of an order that an upstream has to confirm.
///
///     quote ─▶ (checkpoint: sent) ─▶ place under the job's key ─▶ (checkpoint: receipt) ─▶ look, snooze, look ─▶ deliver and complete in one transaction
///                                          │ a no for good ─▶ release and complete in one transaction
///         │                                │
///         │ dearer than our customer paid ─▶ release and die in one transaction (or a warning, as the provider's rule says)
///                                          │ nobody knows ─▶ the hold stays, the next run places the same quote under the same key
///
/// The upstream answers a key's repetitions with its first answer, so placing again is how an order is looked up whose answer was lost. It promises that for
/// a day; after most of one, a "nothing was bought" may only mean that it has forgotten, and people decide.
struct UpstreamPurchase: Sendable {
    let services: Services
    let context: LeasedContext
    let payload: PlanJobPayload
    let isExtension: Bool

    /// How long the upstream's memory of a key is relied on; it promises 24 hours.
    private static let keyMemory: Duration = .seconds(20 * 3600)
    /// After this a delivery that does not come counts as a failed attempt, so that the job ends in front of an operator and not never.
    private static let patience: Duration = .seconds(24 * 3600)
    /// How long a run waits for the delivery before it snoozes; most come within that.
    private static let looks: [Duration] = [.milliseconds(50), .milliseconds(150), .milliseconds(300), .milliseconds(500), .seconds(1)]

    /// The code of a job that is dead because its order would have been a loss.
    static let lossCode = "upstream_price_too_high"

    private var business: Business { services.business }

    func run() async throws -> Outcome {
        let (order, hold) = try await context.database.run { [business, payload, isExtension] connection in
            let order =
                try isExtension ? business.plans.extensionOrder(payload, on: connection) : business.plans.order(payload.planID, on: connection)
            return (order, try business.wallets.findHold(payload.holdID, on: connection))
        }
        // A retry of an order that staff have resolved by hand: what has no money behind it is not bought, and whoever buys from us must not take it for
        // delivered.
        if hold.state == .released { return .done(result(isExtension ? nil : order.status, refusal: "order_released")) }
        guard hold.state == .held, isExtension || order.status == .pending else { return skipped(order.status) }
        let access = try await context.database.run { [business] in try business.providers.access(order.providerID, on: $0) }
        let provider = services.provider(access) { [business, context, log = context.log] exchange in
            do {
                try await context.database.run {
                    try business.upstream.record(
                        provider: access.id, account: order.accountID, job: context.job.id, method: exchange.method, path: exchange.path,
                        status: exchange.status, duration: exchange.duration, errorCode: exchange.errorCode, on: $0)
                }
            } catch {
                log.warning("a request to an upstream could not be logged", ["job": context.job.id.text("job"), "error": String(describing: error)])
            }
        }
        let wanted: UpstreamOrder
        if isExtension {
            guard let reference = order.providerReference else {
                throw JobError(.permanent, code: "no_provider_reference", "the plan has no reference of its upstream")
            }
            wanted = .extension(order, of: reference)
        } else {
            wanted = .plan(order)
        }
        var checkpoint = UpstreamCheckpoint(context.job.checkpoint)
        do {
            guard let receipt = try await placed(wanted, by: provider, onLoss: access.onLoss, &checkpoint) else { return skipped(.cancelled) }
            return try await delivered(wanted, receipt, by: provider, placedAt: checkpoint.placedAt ?? .now)
        } catch let error as UpstreamError where error.kind == .refused {
            return refused(code: error.code)
        }
    }

    // MARK: - The order

    /// The upstream's receipt: kept from an earlier run, or got now; nil when the plan was cancelled before the order was sent.
    private func placed(
        _ order: UpstreamOrder, by provider: some UpstreamProvider, onLoss rule: LossRule, _ checkpoint: inout UpstreamCheckpoint
    ) async throws -> UpstreamReceipt? {
        if let receipt = checkpoint.receipt { return receipt }
        for _ in 0..<3 {
            let quote = try await quoted(order, by: provider, &checkpoint)
            if checkpoint.sentAt == nil {
                try judge(quote, for: order.plan, rule)
                // From here on nobody can cancel the plan, because from here on the order may be at the upstream.
                guard try await markedSent() else { return nil }
                checkpoint.sentAt = .now
                try await context.save(checkpoint: checkpoint.json)
            }
            do {
                let receipt = try await provider.place(order, quote, key: checkpoint.key(context.job.idempotencyKey))
                (checkpoint.receipt, checkpoint.placedAt) = (receipt, .now)
                try await remember(receipt, checkpoint)
                return receipt
            } catch let error as UpstreamError where error.kind == .refused || error.kind == .quoteExpired {
                try believe(error, sentAt: checkpoint.sentAt)
                guard error.kind == .quoteExpired else { throw error }
                checkpoint.round += 1
                (checkpoint.quote, checkpoint.sentAt) = (nil, nil)
                try await context.save(checkpoint: checkpoint.json)
            }
        }
        throw JobError(.transient, code: "quote_expired", "the upstream's prices expire before they can be ordered")
    }

    private func quoted(_ order: UpstreamOrder, by provider: some UpstreamProvider, _ checkpoint: inout UpstreamCheckpoint) async throws
        -> UpstreamQuote
    {
        // One that may have been ordered is kept even when it is over: it is what the order is known by.
        if let quote = checkpoint.quote, checkpoint.sentAt != nil || quote.expiresAt.map({ $0 > .now + .seconds(5) }) ?? true { return quote }
        let quote = try await provider.quote(order)
        checkpoint.quote = quote
        try await context.save(checkpoint: checkpoint.json)
        return quote
    }

    /// Refuses an order that would cost more than our customer pays, before anything was ordered.
    private func judge(_ quote: UpstreamQuote, for order: PlanOrder, _ rule: LossRule) throws {
        guard let cost = Money(quote.price), cost >= .zero else {
            throw UpstreamError(.unknown, code: "upstream_answer_unreadable", "the upstream's price is not an amount")
        }
        guard let loss = LossRule.loss(cost: cost, in: quote.currency, on: order) else { return }
        let fields: KeyValuePairs<String, any LogValue> = ["job": context.job.id.text("job"), "loss": loss]
        guard rule == .refuse else { return context.log.warning("an order is a loss; its provider's rule allows it", fields) }
        context.log.error("an order would be a loss; it is not placed, and its money is free again", fields)
        // What we pay is not the customer's to know: the log tells it, the job does not.
        let message = "the upstream's price is above what was paid; nothing was ordered, and the money is free again"
        throw FailureWithEffects(JobError(.permanent, code: Self.lossCode, message), committing: released(code: Self.lossCode))
    }

    private func markedSent() async throws -> Bool {
        // An extension's plan cannot be cancelled while its hold is open.
        if isExtension { return true }
        return try await context.database.transaction { [business, payload] in try business.plans.markOrderSent(payload.planID, on: $0) }
    }

    private func remember(_ receipt: UpstreamReceipt, _ checkpoint: UpstreamCheckpoint) async throws {
        if !isExtension {
            try await context.database.transaction { [business, payload] in
                try business.plans.markOrdered(payload.planID, providerReference: receipt.plan, on: $0)
            }
        }
        try await context.save(checkpoint: checkpoint.json)
    }

    /// A no says that nothing was bought only as long as the upstream remembers the key.
    private func believe(_ error: UpstreamError, sentAt: Instant?) throws {
        guard let sentAt, Instant.now - sentAt > Self.keyMemory else { return }
        throw UpstreamError(
            .unresolved, code: "order_unresolved",
            "the order was sent at \(sentAt.text) and the upstream may have forgotten its key; look for it there by its customer reference")
    }

    // MARK: - The delivery

    private func delivered(
        _ order: UpstreamOrder, _ receipt: UpstreamReceipt, by provider: some UpstreamProvider, placedAt: Instant
    ) async throws -> Outcome {
        for pause in Self.looks + [nil] {
            switch try await provider.progress(of: order, receipt) {
            case .waiting:
                if let pause { try await Task.sleep(for: pause) }
            case .delivered(let delivery): return complete(delivery)
            case .refused(let code): return refused(code: code)
            case .stuck: throw JobError(.transient, code: "upstream_stuck", "the upstream's own job is dead; somebody there must look at it")
            }
        }
        let age = Instant.now - placedAt
        guard age < Self.patience else { throw JobError(.transient, code: "upstream_slow", "the upstream has not delivered since \(placedAt.text)") }
        return .snooze(min(max(age / 4, .seconds(1)), .seconds(300)))
    }

    private func complete(_ delivery: UpstreamDelivery) -> Outcome {
        .done(result(.active)) { [business, payload, isExtension, job = context.job] connection in
            if isExtension {
                _ = try business.plans.completeExtension(payload, upstream: delivery, job: job.id, actor: job.actorID, on: connection)
            } else {
                _ = try business.plans.completeOrder(payload, delivery, job: job.id, actor: job.actorID, on: connection)
            }
        }
    }

    private func refused(code: String) -> Outcome {
        context.log.warning("an upstream refused an order; its hold is released", ["job": context.job.id.text("job"), "code": code])
        return .done(result(isExtension ? nil : .cancelled, refusal: code), committing: released(code: code))
    }

    /// Frees the money in the transaction of the job's end.
    private func released(code: String) -> @Sendable (Connection) throws -> Void {
        let reason = "The provider refused the order: \(code)."
        return { [business, payload, isExtension, job = context.job] connection in
            if isExtension {
                try business.plans.releaseExtension(payload, reason: reason, job: job.id, actor: job.actorID, on: connection)
            } else {
                try business.plans.releaseOrder(payload, reason: reason, job: job.id, actor: job.actorID, on: connection)
            }
        }
    }

    /// The plan waits for nothing any more: it was cancelled before the order was sent, or delivered by a run whose end was not written.
    private func skipped(_ status: PlanStatus) -> Outcome { .done(result(status)) }

    /// What the job keeps; `refusal` is how a Millrace that buys from this one learns of it.
    private func result(_ status: PlanStatus?, refusal: String? = nil) -> JSONValue {
        var object: JSONObject = ["planId": .string(payload.planID.text("plan"))]
        object["status"] = status.map { .string($0.rawValue) }
        object["refusal"] = refusal.map(JSONValue.string)
        return .object(object)
    }
}
