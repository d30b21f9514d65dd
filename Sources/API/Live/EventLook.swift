internal import Business
internal import Bytes
internal import Engine
internal import JSON
internal import Postgres

/// What the last look saw, and what is new at the next one.
///
/// There is no queue of events in the database: whoever looks compares. A job's row says in which state it is, the audit log says what happened to plans; what
/// is told is the difference. So nothing is written for the sake of watchers, and nothing grows when nobody watches. What a look cannot see for its bounds
/// (two thousand jobs at once) is told as `refresh`: read again.
struct EventLook: Sendable {
    /// A change, and who may hear of it.
    struct Change: Sendable {
        enum Subject: Sendable {
            case job(Identifier)
            case plan
        }

        let subject: Subject
        let scope: [Identifier]
        let event: Event
    }

    private struct Mark: Sendable, Equatable {
        var state: String
        var attempt: Int
        var progress: String?
    }

    private static let bound = 2000
    /// How far back the looks for what came and went reach: longer than a transaction between making an id and committing it.
    private static let reach: Int64 = 60_000

    private var live: [Identifier: Mark]?
    private var told: Set<Identifier> = []

    /// Looks; the first look only remembers.
    ///
    /// - Returns: the changes, and whether there may be more than could be seen.
    mutating func look(on connection: Connection, now: Int64) throws -> (changes: [Change], isPartial: Bool) {
        let since = Identifier(high: UInt64(max(0, now - Self.reach)) << 16, low: 0)
        var marks: [Identifier: Mark] = [:]
        for row in try connection.run(SQL.Events.live, live.map { Array($0.keys) } ?? []) {
            marks[try row("id")] = Mark(state: try row("state"), attempt: try row("attempt"), progress: try row("progress"))
        }
        let ended: [Identifier] = try connection.run(SQL.Events.recentlyEnded, since).map { try $0("id") }
        let plans = try connection.run(SQL.Events.plans, since)
        let isPartial = marks.count > 2 * Self.bound || ended.count >= Self.bound || plans.count >= Self.bound

        let before = live
        live = marks.count > 2 * Self.bound ? Self.newest(marks) : marks
        // A dead job that is retried lives again, and will end again.
        told = told.filter { $0 >= since }.subtracting(marks.keys)
        var changed: [Identifier] = []
        // What ended between our two statements is alive in the first and ended in the second: the next look misses it among the living.
        let fresh = ended.filter { marks[$0] == nil && !told.contains($0) }
        if let before {
            let gone = Set(before.keys.filter { marks[$0] == nil && !told.contains($0) }).union(fresh)
            changed = marks.filter { before[$0.key] != $0.value }.map(\.key) + gone
            told.formUnion(gone)
        } else {
            told.formUnion(fresh)
        }
        var changes = try self.plans(plans, isFirst: before == nil)
        changes += try jobs(Array(changed.sorted().prefix(Self.bound)), on: connection)
        return (changes, before != nil && isPartial)
    }

    private static func newest(_ marks: [Identifier: Mark]) -> [Identifier: Mark] {
        let kept = Set(marks.keys.sorted(by: >).prefix(2 * bound))
        return marks.filter { kept.contains($0.key) }
    }

    private func jobs(_ ids: [Identifier], on connection: Connection) throws -> [Change] {
        guard !ids.isEmpty else { return [] }
        return try connection.run(SQL.Events.jobs, ids).map { row in
            let job = try JobRecord(row)
            return Change(subject: .job(job.id), scope: try row("scope"), event: Event("job", job.json(detailed: false)))
        }
    }

    private mutating func plans(_ rows: Rows, isFirst: Bool) throws -> [Change] {
        var changes: [Change] = []
        for row in rows {
            let (id, account): (Identifier, Identifier) = (try row("id"), try row("account_id"))
            guard told.insert(id).inserted, !isFirst, let plan: Identifier = try row("resource_id") else { continue }
            let job: Identifier? = try row("job_id")
            let data: JSONValue = [
                "planId": .string(plan.text("plan")), "action": .string(try row("action")), "accountId": .string(account.text("acct")),
                "jobId": job.map { .string($0.text("job")) } ?? .null, "at": .time(try row("created_at")),
            ]
            changes.append(Change(subject: .plan, scope: try row("scope"), event: Event("plan", data)))
        }
        return changes
    }
}
