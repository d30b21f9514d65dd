import Business
import Bytes
import Clocks
import Engine
import JSON
import Postgres
import TestSupport
import Testing
import Work

/// `RetentionSweepJob`, and what one batch of it removes.
@Suite(.whole, .database(.millrace), .timeLimit(.minutes(5)))
struct RetentionTests {
    private static func options(_ options: inout WorkRig.Options) {
        options.kinds = ["retention.sweep"]
        options.definition = ["schedules": [], "backoff": ["delays": ["10ms"]]]
    }

    /// Rows of every kind that is swept: `count` older than any retention, and one of today.
    private func fill(_ rig: WorkRig, _ count: Int) async throws {
        let account = rig.north
        try await rig.act { connection, _ in
            try connection.script(
                """
                create temporary table ages on commit drop as
                    select now() - interval '400 days' + n * interval '1 second' as at, n from generate_series(1, \(count)) n
                    union all select now(), 0;
                insert into idempotency_records (account_id, method, path, key, body_hash, status, response, content_type, created_at)
                    select '\(account)', 'POST', '/plans', n::text, '', 202, '', 'application/json', at from ages;
                insert into users (id, account_id, username, password_hash, role) values ('\(account)', '\(account)', 'north', '', 'reseller');
                insert into sessions (id, user_id, actor_id, kind, expires_at) select gen_random_uuid(), '\(account)', '\(account)', 'token', at from ages;
                insert into webhook_events (id, account_id, type, data, created_at) select gen_random_uuid(), '\(account)', 'test', '{}', at from ages;
                insert into webhook_deliveries (id, event_id, endpoint_id, account_id, type, signature_form, body, state, job_id, created_at)
                    select gen_random_uuid(), id, '\(account)', '\(account)', 'test', 'standard', '', 'delivered', gen_random_uuid(), created_at
                    from webhook_events;
                insert into webhook_attempts (delivery_id, attempt, endpoint_id, started_at, duration_us, status)
                    select id, 1, endpoint_id, created_at, 1, 200 from webhook_deliveries;
                insert into upstream_requests (id, provider_id, method, path, duration_us, success, created_at)
                    select gen_random_uuid(), '\(account)', 'GET', '/', 1, true, at from ages;
                insert into rate_limits (key, ends_at, count) select 'k' || n, at, 1 from ages;
                """)
            try connection.run(
                .once(
                    """
                    insert into price_checks (id, account_id, purpose, product_id, quantity, currency, price, parts, created_at, expires_at, used_at)
                    select gen_random_uuid(), $1, 'purchase', p.id, 1, 'USD', 1, '[]', at, at, case when n % 10 = 1 then at end from ages, products p
                    """), account)
        }
    }

    private static let tables = [
        "idempotency_records", "sessions", "webhook_events", "webhook_deliveries", "webhook_attempts", "upstream_requests", "rate_limits",
    ]

    @Test func `a sweep removes what has outlived its retention, however many batches it takes, and nothing else`() async throws {
        try await WorkRig.run(Self.options) { rig in
            try await rig.openMarket()
            try await fill(rig, 4500)
            let job = try await rig.engine.wait(rig.engine.enqueue("retention.sweep"), for: .completed, within: .seconds(60))
            for table in Self.tables { #expect(try await rig.count("select count(*) from \(table)") == 1, "\(table)") }
            // A price check that was used is what its plan was sold by.
            #expect(try await rig.count("select count(*) from price_checks") == 451)
            let removed = try #require(job.result?["removed"])
            for target in ["idempotencyRecords", "sessions", "webhookEvents", "upstreamRequests", "rateLimits"] {
                #expect(removed[target]?.int == 4500, "\(target)")
            }
            #expect(removed["priceChecks"]?.int == 4050)
        }
    }

    @Test(arguments: Retention.Target.allCases)
    func `one batch is never more than was asked for`(_ target: Retention.Target) async throws {
        let rig = try await WorkRig.open(Self.options)
        try await rig.openMarket()
        try await fill(rig, 25)
        let before = Instant.now - .seconds(86_400)
        var sizes: [Int] = []
        while sizes.last != 0, sizes.count < 9 {
            sizes.append(try await rig.act { try $1.retention.sweep(target, before: before, limit: 10, on: $0) })
        }
        // Three of the price checks were used.
        #expect(sizes == (target == .priceChecks ? [10, 10, 2, 0] : [10, 10, 5, 0]))
        await rig.close()
    }

    @Test func `a delivery that is still on its way keeps its event`() async throws {
        let rig = try await WorkRig.open { $0.kinds = ["webhook.deliver", "retention.sweep"] }
        let (endpoint, _) = try await rig.endpoint("http://127.0.0.1:9/")
        let account = rig.north
        let old = Instant.now - .seconds(100 * 86_400)
        for _ in 0..<2 { try await rig.act { try $1.webhooks.emit(.planPurchased, account: account, data: [:], on: $0, now: old) } }
        let waiting = try await rig.deliveries(endpoint)[0].id
        let cancelled = try await rig.deliveries(endpoint)[1]
        let ledger = rig.engine.ledger
        try await rig.act { connection, _ in _ = try ledger.cancel(cancelled.jobID, actor: nil, on: connection) }
        #expect(try await rig.act { try $1.retention.sweep(.webhookEvents, before: .now, limit: 10, on: $0) } == 1)
        #expect(try await rig.deliveries(endpoint).map(\.id) == [waiting])
        await rig.close()
    }

    @Test func `a sweep that is cancelled stops between two batches and keeps what it has done`() async throws {
        try await WorkRig.run(Self.options) { rig in
            try await fill(rig, 30_000)
            // Fifteen batches, each of which takes its time.
            let job = try await rig.engine.enqueue("retention.sweep", delay: .seconds(3600))
            let ledger = rig.engine.ledger
            try await rig.act { connection, _ in
                try connection.script(
                    """
                    create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(0.3); return null; end $$;
                    create trigger dawdle after delete on idempotency_records for each statement execute function dawdle();
                    update jobs set run_at = now(); update outbox set run_at = now(), state = 'ready';
                    """)
            }
            try await eventually("a batch is done") { try await rig.count("select count(*) from idempotency_records") < 30_001 }
            try await rig.act { connection, _ in _ = try ledger.cancel(job, actor: nil, on: connection) }
            try await rig.engine.wait(job, for: .cancelled)
            let left = try await rig.count("select count(*) from idempotency_records")
            #expect(left > 1 && (left - 1) % 2000 == 0)
            #expect(try await rig.count("select count(*) from upstream_requests") == 30_001)
        }
    }
}
