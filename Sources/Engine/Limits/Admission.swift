internal import Bytes
internal import Postgres

/// A claimable row whose job is under a limit.
struct LimitedRow: Sendable {
    var id: Identifier
    var key: String
    /// It was parked before, and let through.
    var isGated: Bool
    /// Minus the priority.
    var rank: Int16

    /// Who goes first where not all can: who was let through, then by priority, then by age.
    func precedes(_ other: LimitedRow) -> Bool {
        if isGated != other.isGated { return isGated }
        return (rank, id) < (other.rank, other.id)
    }
}

/// What the limits said about a claim's jobs.
struct Admission: Sendable {
    var admitted: [Identifier]
    /// Those whose keys are full.
    var full: [LimitedRow] = []
    /// Those whose keys are in somebody's hands.
    var busy: [Identifier] = []
}

// Permits are taken in the claim's own transaction, with one statement for the whole batch: a rollback gives them back with everything else. A key that is
// full is skipped and its jobs parked; a key that somebody is just counting is skipped too, and its jobs come again. Nobody waits.
extension Ledger {
    /// Asks the limits about the rows of a claim of leased jobs.
    ///
    /// Jobs without a limit cost nothing here.
    func admit(_ selection: Claim.Selection, areSuspects: Bool, on connection: Connection) throws -> Admission {
        guard !selection.limited.isEmpty else { return Admission(admitted: selection.claimable) }
        let rows = selection.limited.sorted { $0.precedes($1) }
        let terms = rows.map { LimitTerms($0.key, in: catalog) }
        var verdicts: [Identifier: String] = [:]
        for row in try connection.run(
            SQL.Limits.takePermits, rows.map(\.id), rows.map(\.key), rows.map(\.isGated), terms.map(\.concurrency), terms.map(\.step),
            terms.map(\.burst))
        {
            verdicts[try row("job_id")] = try row("verdict")
        }
        var admission = Admission(admitted: [])
        for row in rows where verdicts[row.id] == "full" { admission.full.append(row) }
        for row in rows where verdicts[row.id] == "busy" { admission.busy.append(row.id) }
        let outside = Set(admission.full.map(\.id) + admission.busy)
        admission.admitted = selection.claimable.filter { !outside.contains($0) }
        if areSuspects, !outside.isEmpty { _ = try connection.run(SQL.Claim.uncountDeaths, outside.sorted()) }
        return admission
    }

    /// Puts those aside that may not begin, after those that may were taken out of the outbox: who is counted there must not be found in it.
    ///
    /// Parks what is full, and lets through at once what fits: under a rate the first of those that wait get their times here, and no key stays marked for
    /// nothing.
    func putAside(_ admission: Admission, on connection: Connection) throws {
        if !admission.busy.isEmpty {
            _ = try connection.run(SQL.Limits.putBack, admission.busy)
            ring(connection)
        }
        if !admission.full.isEmpty {
            _ = try connection.run(SQL.Limits.park, admission.full.map(\.id))
            try letThrough(Set(admission.full.map(\.key)).sorted(), on: connection)
        }
    }
}
