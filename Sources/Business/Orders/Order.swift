package import Bytes
package import Clocks
internal import Postgres

/// A paid purchase or extension, known by its job.
///
/// It is unresolved when its job has ended (dead, cancelled, or gone with its retention) and its money is still held: nobody knows whether it was delivered.
package struct Order: Sendable, Hashable {
    package enum State: String, Sendable, CaseIterable {
        /// Its job waits or runs.
        case open
        /// Its job has ended without deciding about the money.
        case unresolved
        /// The money was taken; what was bought is there.
        case completed
        /// The money is free again.
        case released
    }

    package var id: Identifier
    package var state: State
    package var isExtension: Bool
    package var holdID: Identifier
    package var accountID: Identifier
    package var amount: Money
    package var currency: String
    package var planID: Identifier
    package var planStatus: PlanStatus
    package var productCode: String
    package var family: Product.Family
    package var providerID: Identifier
    package var providerName: String
    package var driver: Product.Driver
    /// The upstream's id of the plan, as far as it was told.
    package var providerReference: String?
    /// When the plan's order may have reached the upstream first.
    package var orderedAt: Instant?
    /// Nil when the job's record is gone.
    package var quantity: Int?
    package var period: Period?
    package var kind: String?
    package var attempts: Int?
    package var errorCode: String?
    package var error: String?
    package var createdAt: Instant
    /// When the job ended.
    package var jobEndedAt: Instant?
    /// When the money was taken or freed.
    package var endedAt: Instant?
    /// What was asked of the upstream, the newest first.
    package var requests: [UpstreamRequest] = []

    init(_ row: Row) throws {
        id = try row("job_id")
        let hold: WalletHold.State = try row("state")
        let job: String? = try row("job_state")
        state =
            switch hold {
            case .captured: .completed
            case .released: .released
            case .held: job == "queued" || job == "running" ? .open : .unresolved
            }
        isExtension = try row("reason") as String == "plan.extend"
        holdID = try row("hold_id")
        accountID = try row("account_id")
        amount = try row("amount")
        currency = try row("currency")
        planID = try row("plan_id")
        planStatus = try row("plan_status")
        productCode = try row("product_code")
        family = try row("family")
        providerID = try row("provider_id")
        providerName = try row("provider_name")
        driver = try row("driver")
        providerReference = try row("provider_reference")
        orderedAt = try row("ordered_at")
        quantity = try row("quantity")
        period = try row("period")
        kind = try row("kind")
        attempts = try row("attempt")
        errorCode = try row("error_code")
        error = try row("error")
        createdAt = try row("created_at")
        jobEndedAt = try row("finished_at")
        endedAt = try row("ended_at")
    }
}
