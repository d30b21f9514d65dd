import Bytes
import Faults
import JSON
import Lanes
import Postgres
import TestSupport
import Testing

@testable import Engine

/// Several workers, limits of all sorts, connections that break and jobs that fail and are cancelled at random: never above a limit, and everything ends.
///
/// A trigger counts at every claim: a claim holds its keys' counters, so what it sees running there is exact. `MILLRACE_TEST_SEED` repeats the choices.
@Suite(.database(.engine), .timeLimit(.minutes(3)))
struct LimitStormTests {
    private static let kinds = [
        LimitTests.kind(#""concurrency": 3"#),
        TestKinds.kind("test.rated", style: "leased", extra: #""limits": { "by": "key", "concurrency": 4, "rate": { "count": 200, "per": "1s" } },"#),
        TestKinds.kind("test.slotted", style: "atomic", extra: #""limits": { "by": "key", "concurrency": 2 },"#),
    ]

    private static let counting = """
        create sequence samples minvalue 0; create sequence excesses minvalue 0; select nextval('samples'), nextval('excesses');
        create function count_running() returns trigger language plpgsql as $$
        declare
            key record;
        begin
            for key in
                select r.kind, count(*) as running from running_jobs r
                where r.limit_key in (select j.limit_key from jobs j where j.id = any(new.job_ids)) group by r.limit_key, r.kind
            loop
                perform nextval('samples');
                if (key.kind = 'test.limited' and key.running > 3) or key.running > 4 then perform nextval('excesses'); end if;
            end loop;
            return null;
        end $$;
        create constraint trigger count_running after insert on claims for each row execute function count_running();
        """

    private static func handlers(_ dice: Dice, _ slots: Running) -> [JobHandler] {
        let leased = LeasedTestJob { _, _ in
            try await Task.sleep(for: .milliseconds(dice.roll(8)))
            switch dice.isCalm ? 9 : dice.roll(10) {
            case 0: throw JobError(.interrupted, code: "off", "off")
            case 1: return .snooze(.milliseconds(5))
            case 2: throw JobError(.throttled(after: .milliseconds(3)), code: "again", "again")
            default: return .done()
            }
        }
        let atomic = AtomicTestJob { payload, _ in
            slots.enter(payload.key ?? "")
            defer { slots.leave(payload.key ?? "") }
            pause(.milliseconds(dice.roll(3)))
            return .done()
        }
        return [.leased("test.limited", leased), .leased("test.rated", leased), .atomic("test.slotted", atomic)]
    }

    @Test(arguments: 0..<2) func `never above a limit, whatever breaks, and every job ends`(run: Int) async throws {
        let seed = SeededGenerator.seedOfThisRun &+ UInt64(run)
        let (dice, slots) = (Dice(seed), Running())
        let queue = TestKinds.queue("fast", batch: 10, concurrency: 8)
        try await EngineRig.with(kinds: Self.kinds, queues: [queue], handlers: Self.handlers(dice, slots)) { (rig: EngineRig) async throws -> Void in
            try await rig.script(Self.counting)
            do {
                try await storm(rig, dice)
            } catch {
                Issue.record("seed \(seed): \(error)")
            }
            let excesses: Int = try await rig.value("select last_value::int8 from excesses")
            let samples: Int = try await rig.value("select last_value::int8 from samples")
            #expect(excesses == 0, "seed \(seed)")
            #expect(samples > 100)
            for key in 0..<4 { #expect(slots.most("\(key)") <= 2, "seed \(seed)") }
            let rests = try await LimitTests.isAtRest(rig)
            #expect(rests, "seed \(seed)")
        }
    }

    private func storm(_ rig: EngineRig, _ dice: Dice) async throws {
        let count = 600
        let names = ["test.limited", "test.rated", "test.slotted"]
        let jobs = (0..<count).map { _ -> NewJob in
            NewJob(names[dice.roll(3)], ["key": .string("\(dice.roll(4))")], priority: dice.roll(5))
        }
        let ids = try await rig.enqueue(jobs).map(\.id)
        let parts: [EngineRig.Part] = try [.relay(rig.relay()), .scheduler(rig.scheduler())] + (0..<3).map { _ in .worker(try rig.worker()) }
        try await rig.running(parts) {
            for _ in 0..<5 {
                let ended = try await finished(rig)
                try await eventually("some end") { try await finished(rig) > min(ended + 30, count - 1) }
                for _ in 0..<4 { await cancel(ids[dice.roll(count)], rig) }
                try await rig.breakConnections()
            }
            dice.calmDown()
            try await eventually("all have ended", within: .seconds(90)) { try await finished(rig) == count }
        }
    }

    /// The connections that break are also the test's own.
    private func finished(_ rig: EngineRig) async throws -> Int {
        (try? await rig.value("select count(*) from finished_jobs")) ?? -1
    }

    private func cancel(_ id: Identifier, _ rig: EngineRig) async {
        // Refused when it has ended.
        _ = try? await rig.cancel(id)
    }
}
