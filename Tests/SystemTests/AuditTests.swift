import Business
import Bytes
import Engine
import Glibc
import JSON
import Postgres
import TestSupport
import Testing

/// `millrace audit`: silent on a healthy database, and each invariant fires on damage of its kind.
@Suite(.database(.millrace), .serialized, .tellingLogs, .timeLimit(.minutes(3)))
struct AuditTests {
    private static let all = EngineInvariants.all + BusinessInvariants.all

    @Test func `a healthy database passes, and each invariant fires on its own damage`() async throws {
        try await SystemRig.run { rig in
            try await WebhookSink.run { sink in
                try await trade(rig, sink)
                let clean = try await rig.command("audit", "--json")
                #expect(clean.code == 0, "\(clean.output)\n\(clean.log)")
                let report = try JSONValue(parsing: clean.output)
                #expect(report["clean"]?.bool == true && report["invariants"]?.array?.count == Self.all.count)
                // An endpoint that has not changed for long must have had every event.
                let missing = try await breaches("webhooks.all", after: Self.oldEndpoints, rig)
                #expect(missing == 0)

                #expect(Set(Self.all.map(\.name)) == Set(Self.damages.keys), "each invariant has its damage")
                for (name, damage) in Self.damages.sorted(by: { $0.key < $1.key }) {
                    let breaches = try await breaches(name, after: damage, rig)
                    #expect(breaches > 0, "\(name) is silent")
                }
                let again = try await rig.command("audit", "--live")
                #expect(again.code == 0, "the damage was taken back: \(again.output)")
                try await rig.act { connection, _ in try connection.script(Self.damages["money.balance"] ?? "") }
                let broken = try await rig.command("audit", "--check", "money.balance", "--check", "ledger.one-life")
                #expect(broken.code == 1)
                #expect(broken.output.contains("money.balance is broken 1 times") && broken.output.contains("wallet_"), "\(broken.output)")
                let misspelt = try await rig.command("audit", "--check", "money.balanse")
                #expect(misspelt.code == 64 && misspelt.log.contains("did you mean money.balance?"))
            }
        }
    }

    @Test func `an audit changes nothing and a lease of a dead worker counts only if it stays`() async throws {
        try await SystemRig.run { rig in
            try await rig.act { connection, business in
                _ = try business.ledger.enqueue(NewJob("retention.sweep", [:]), on: connection)
                try connection.script(Self.damages["ledger.leases-live"] ?? "")
                try connection.script("delete from outbox")
            }
            let stays = try await rig.command("audit", "--live", "--wait", "1s")
            #expect(stays.code == 1 && stays.output.contains("ledger.leases-live is broken 1 times"), "\(stays.output)")
            _ = try rig.start("scheduler")
            let rescued = try await rig.command("audit", "--live", "--wait", "15s")
            #expect(rescued.code == 0, "\(rescued.output)")
        }
    }

    /// Purchases and an extension through all processes, which then end; two purchases wait.
    private func trade(_ rig: SystemRig, _ sink: WebhookSink) async throws {
        let market = try await Market.open(rig)
        try await market.subscribe(sink, to: ["*"])
        let roles = try ["relay", "scheduler", "worker", "api"].map { try rig.start($0) }
        let customer = try await Customer.enters(rig)
        for _ in 0..<2 {
            let purchase = try await customer.buys()
            try await rig.job(try #require(Identifier(purchase.jobID, prefix: "job")), is: .completed)
            let longer = try await customer.extends(purchase.planID)
            try await rig.job(try #require(Identifier(longer.jobID, prefix: "job")), is: .completed)
        }
        try await eventually("all is delivered") { try await rig.count("select count(*) from webhook_deliveries where state <> 'delivered'") == 0 }
        for role in roles { role.signal(SIGTERM) }
        for role in roles { try await role.end() }
        _ = try await market.purchases(2)
    }

    /// How often it is broken after the damage, which is taken back.
    private func breaches(_ name: String, after damage: String, _ rig: SystemRig) async throws -> Int {
        struct Back: Error { var breaches: Int }
        let invariant = try #require(Self.all.first { $0.name == name })
        do {
            try await rig.act { connection, _ in
                try connection.script(damage)
                throw Back(breaches: try invariant.look(on: connection).count)
            }
        } catch let back as Back {
            return back.breaches
        }
        return -1
    }

    private static let oldEndpoints = "update webhook_endpoints set updated_at = now() - interval '1 hour'"
    private static let noGuard = "alter table audit_log disable trigger all; alter table wallet_entries disable trigger all;"

    private static func claimed(_ worker: String, run: String = "runs") -> String {
        "insert into claims (worker_id, started_at, job_ids, runs) select \(worker), now(), array_agg(id), array_agg(\(run)) from jobs"
    }

    private static let damages = [
        "ledger.waits-or-runs": "delete from outbox",
        "ledger.waiting-is-free": claimed("gen_random_uuid()"),
        "ledger.waiting-lives": "delete from jobs",
        "ledger.outbox-agrees": "update outbox set rank = rank + 1",
        "ledger.wake-ups": "update outbox set sent_at = now(), publish = 0",
        "ledger.unique-keys": "drop index jobs_unique_key; update jobs set unique_key = 'q:one'",
        "ledger.attempts": "update jobs set attempt = max_attempts",
        "ledger.signals": "insert into job_signals (job_id, signal, created_at) values (gen_random_uuid(), 'cancel', now() - interval '3 hours')",
        "ledger.keys-held": "update jobs set key_released = true",
        "ledger.leases-live": claimed("gen_random_uuid()"),
        "ledger.one-lease": "\(claimed("gen_random_uuid()")); \(claimed("gen_random_uuid()"))",
        "ledger.claims": claimed("gen_random_uuid()", run: "runs + 1"),
        "ledger.permits": "update jobs set limit_key = 'uncounted'; \(claimed("gen_random_uuid()"))",
        "ledger.parked": "update outbox set state = 'parked'",
        "ledger.one-life": """
        insert into finished_jobs (id, created_at, run_at, finished_at, expires_on, attempt, max_attempts, priority, runs, state, kind, queue, payload)
        select id, created_at, run_at, now(), current_date + 1, 1, max_attempts, priority, 1, 'completed', kind, queue, payload from jobs
        """,
        "ledger.ended-once": "insert into finished_jobs select * from finished_jobs limit 1",
        "ledger.ends": "update finished_jobs set attempt = max_attempts + 1",
        "money.balance": "update wallets set balance = balance + 1 where entries > 0",
        "money.numbers": "update wallets set entries = entries + 1",
        "money.chain": "\(noGuard) update wallet_entries set balance_after = balance_after + 1 where number = 2",
        "money.held": "update wallets set held = held + 1 where held > 0",
        "money.covered": "alter table wallets drop constraint wallets_not_overdrawn; update wallets set balance = -1",
        "money.captures": "update wallet_holds set amount = amount + 1 where state = 'captured'",
        "money.charges": "update wallet_holds set entry_id = null",
        "money.once": """
        insert into wallet_entries (id, wallet_id, account_id, number, type, amount, balance_after, reference_type, reference_id, job_id)
        select gen_random_uuid(), wallet_id, account_id, number + 1000, type, amount, balance_after, reference_type, reference_id, job_id
        from wallet_entries where type = 'purchase'
        """,
        "money.one-hold": """
        insert into wallet_holds (id, wallet_id, account_id, amount, reason, job_id)
        select gen_random_uuid(), wallet_id, account_id, amount, reason, job_id from wallet_holds
        """,
        "money.holds-owned": "delete from jobs",
        "money.captures-completed": "update finished_jobs set state = 'dead' where kind = 'plan.purchase'",
        "plans.paid": "update plans set status = 'active' where status = 'pending'",
        "plans.bought": "delete from plans where status = 'active'",
        "plans.credentials": "update plans set username = null where status = 'active'",
        "plans.price-checks": "update price_checks set price = price + 1 where used_at is not null",
        "audit.purchases": "\(noGuard) delete from audit_log where action = 'plan.purchased'",
        "audit.extensions": "\(noGuard) delete from audit_log where action = 'plan.extended'",
        "audit.money": "\(noGuard) delete from audit_log where action = 'wallet.topup'",
        "webhooks.told": "delete from webhook_events where type = 'plan.purchased'",
        "webhooks.once": """
        insert into webhook_deliveries (id, event_id, endpoint_id, account_id, type, signature_form, body, job_id)
        select gen_random_uuid(), event_id, endpoint_id, account_id, type, signature_form, body, job_id from webhook_deliveries
        """,
        "webhooks.all": "\(oldEndpoints); delete from webhook_deliveries",
        "webhooks.pending": "update webhook_deliveries set state = 'pending'",
        "webhooks.attempts": "delete from webhook_attempts",
        "requests.answered": "update idempotency_records set status = 0",
        "accounts.tree": "delete from account_tree where depth = 1",
    ]
}
