import Postgres

@testable import Engine

/// What must not be found in the ledger at any moment, each with the number of its cases: the invariants that `millrace audit` asks, and what the model knows
/// beyond them.
///
/// Leases of dead workers are not asked: the maintenance may be late.
enum ModelFaults {
    static let check = Statement(
        "model.check",
        (EngineInvariants.all.filter { !$0.isRepairedInTime }.map { ($0.name, "select count(*) from (\($0.statement.text)) b") } + faults)
            .map { "select '\($0.0)' as what, (\($0.1)) as count" }.joined(separator: " union all "))

    private static let faults: [(String, String)] = [
        (
            "completed without its effect",
            """
            select count(*) from finished_jobs f
            where state = 'completed' and result::text is distinct from '"without effects"' and not exists (select 1 from effects e where e.job = f.id)
            """
        ),
        ("effects twice", "select count(*) from (select 1 from effects group by job having count(*) > 1) twice"),
        (
            "an effect without completion",
            "select count(*) from effects e where not exists (select 1 from finished_jobs f where f.id = e.job and f.state = 'completed')"
        ),
        (
            "more than a limit run",
            """
            select count(*) from (
                select 1 from running_jobs where kind in ('test.limited', 'test.rated') group by limit_key, kind
                having count(*) > case kind when 'test.limited' then 1 else 2 end) over_limit
            """
        ),
        (
            "parked without a mark",
            """
            select count(*) from outbox o where o.state = 'parked' and o.kind <> 'test.slotted'
               and not exists (select from limit_counters c where c.key = o.limit_key and c.waiting)
            """
        ),
        (
            "parked for nothing",
            """
            select count(*) from outbox p join limit_counters c on c.key = p.limit_key
            where p.state = 'parked' and p.kind = 'test.limited' and not exists (select from running_jobs r where r.limit_key = p.limit_key)
              and not exists (select from outbox o where o.limit_key = p.limit_key and o.gated and o.state <> 'parked')
            """
        ),
        ("a cancel for the dead", "select count(*) from job_signals s where not exists (select 1 from jobs j where j.id = s.job_id)"),
    ]
}
