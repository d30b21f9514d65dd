package import Engine

/// The invariants of money, plans, deliveries and requests.
package enum BusinessInvariants {
    package static let all = wallets + holds + plans + audit + webhooks + requests

    private static let wallets = [
        Invariant("money.balance", "Each wallet's balance is the sum of its entries.", .history, SQL.RuleInvariants.balanceAndEntries),
        Invariant("money.numbers", "Each wallet's entries are numbered from one without a gap.", .history, SQL.RuleInvariants.entriesNumbered),
        Invariant("money.chain", "Each entry's balance is the one before it plus its amount.", .history, SQL.RuleInvariants.entryChain),
        Invariant("money.held", "What each wallet holds is the sum of its open holds.", .live, SQL.RuleInvariants.heldAndHolds),
        Invariant("money.covered", "No wallet is overdrawn beyond its credit.", .live, SQL.RuleInvariants.overdrawn),
    ]

    private static let holds = [
        Invariant(
            "money.captures", "Each captured hold has its entry: same wallet, thing, job and amount; no other hold has one.", .history,
            SQL.RuleInvariants.captureWithoutEntry),
        Invariant("money.charges", "Each charge for a plan comes from exactly one hold.", .history, SQL.RuleInvariants.chargeWithoutHold),
        Invariant("money.once", "No job charges twice, and no plan is bought twice.", .history, SQL.RuleInvariants.chargedTwice),
        Invariant("money.one-hold", "Each job has one hold at most.", .history, SQL.RuleInvariants.heldTwice),
        Invariant("money.holds-owned", "Each open hold's job lives, or is dead and waits for an operator.", .live, SQL.RuleInvariants.holdOfNobody),
        Invariant(
            "money.captures-completed", "A hold is captured by the job that completes, and by no other.", .history,
            SQL.RuleInvariants.captureWithoutCompletion),
    ]

    private static let plans = [
        Invariant(
            "plans.paid", "A pending plan's money is held, a delivered one's captured, a cancelled one's captured or free.", .history,
            SQL.RuleInvariants.planAndHold),
        Invariant("plans.bought", "Each purchase's hold has its plan.", .history, SQL.RuleInvariants.holdWithoutPlan),
        Invariant(
            "plans.credentials", "Each delivered proxy plan has its credentials and its time.", .history, SQL.RuleInvariants.credentialsMissing),
        Invariant(
            "plans.price-checks", "Each used price check has led to one hold of the price that it showed.", .history,
            SQL.RuleInvariants.checkWithoutHold),
    ]

    private static let audit = [
        Invariant("audit.purchases", "Each purchase is audited once as requested, and once as done.", .history, SQL.RuleInvariants.purchasesAudited),
        Invariant("audit.extensions", "Each extension is audited once.", .history, SQL.RuleInvariants.extensionsAudited),
        Invariant(
            "audit.money", "Each top-up, bonus, transfer, withdrawal and refund is audited once.", .history, SQL.RuleInvariants.movementsAudited),
    ]

    private static let webhooks = [
        Invariant("webhooks.told", "Each purchase of the last hours is told by one event.", .history, SQL.RuleInvariants.purchasesTold),
        Invariant("webhooks.once", "No event has two deliveries to one endpoint.", .history, SQL.RuleInvariants.deliveredTwice),
        Invariant("webhooks.all", "Each event has a delivery to every endpoint that wants it.", .history, SQL.RuleInvariants.deliveryMissing),
        Invariant("webhooks.pending", "Each delivery that is on its way has a job that lives.", .history, SQL.RuleInvariants.deliveryOfNobody),
        Invariant(
            "webhooks.attempts", "Each delivery's attempts are on record, and a delivered one was taken.", .history,
            SQL.RuleInvariants.deliveryUnproved),
    ]

    private static let requests = [
        Invariant("requests.answered", "No committed request is without its answer.", .history, SQL.RuleInvariants.unanswered),
        Invariant("accounts.tree", "Each account stands under itself and all that its parent stands under.", .live, SQL.RuleInvariants.treeTorn),
    ]
}
