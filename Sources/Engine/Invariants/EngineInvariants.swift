/// The ledger's invariants.
package enum EngineInvariants {
    package static let all = waiting + running + ended

    private static let waiting = [
        Invariant(
            "ledger.waits-or-runs", "Every living job waits in the outbox or has a lease.", .live, SQL.LedgerInvariants.neitherWaitsNorRuns),
        Invariant("ledger.waiting-is-free", "No job that waits has a lease.", .live, SQL.LedgerInvariants.waitsAndRuns),
        Invariant("ledger.waiting-lives", "Every row of the outbox belongs to a living job.", .live, SQL.LedgerInvariants.waitingWithoutJob),
        Invariant(
            "ledger.outbox-agrees", "A job and its row in the outbox name the same queue, kind, priority and account, and a suspect is one in both.",
            .live, SQL.LedgerInvariants.waitingOtherwise),
        Invariant(
            "ledger.wake-ups", "What is sent has been published under a number and is due; what is not sent has no time of sending.", .live,
            SQL.LedgerInvariants.wakeUpAmiss),
        Invariant("ledger.unique-keys", "No two jobs hold the same unique key.", .live, SQL.LedgerInvariants.keyTwice),
        Invariant(
            "ledger.keys-held", "A unique key is let go of only while its job runs, and only one that is for queued jobs.", .live,
            SQL.LedgerInvariants.keyLetGo),
        Invariant(
            "ledger.attempts", "No job has spent more attempts than it has, and none waits without one left.", .live,
            SQL.LedgerInvariants.attemptsAmiss),
        Invariant("ledger.signals", "A cancel on record is for a job that lives.", .live, SQL.LedgerInvariants.signalForNobody),
    ]

    private static let running = [
        Invariant(
            "ledger.leases-live", "Every lease is a living worker's; a dead one's are taken within the rescue time.", .live, isRepairedInTime: true,
            SQL.LedgerInvariants.runningWithoutWorker),
        Invariant("ledger.one-lease", "No job has two leases.", .live, SQL.LedgerInvariants.leasedTwice),
        Invariant("ledger.claims", "No claim is for a run that its job has not come to.", .live, SQL.LedgerInvariants.claimAmiss),
        Invariant("ledger.permits", "As many permits of a key are out as jobs of the key run.", .live, SQL.LedgerInvariants.permitsAmiss),
        Invariant("ledger.parked", "What is parked is under a limit, and has no wake-up on its way.", .live, SQL.LedgerInvariants.parkedAmiss),
    ]

    private static let ended = [
        Invariant("ledger.one-life", "No job both lives and has ended.", .live, SQL.LedgerInvariants.livesAndEnded),
        Invariant("ledger.ended-once", "No job has ended twice.", .history, SQL.LedgerInvariants.endedTwice),
        Invariant(
            "ledger.ends", "A completed job has run and has no error, every other end has one, and no more attempts were spent than there are.",
            .history, SQL.LedgerInvariants.endedAmiss),
    ]
}
