import Postgres

/// What must not be found in the ledger at any moment, each with the number of its cases.
enum ModelFaults {
    static let check = Statement(
        "model.check", faults.map { "select '\($0.0)' as what, (\($0.1)) as count" }.joined(separator: " union all "))

    private static let faults: [(String, String)] = [
        ("in the ledger twice", "select count(*) from jobs j join finished_jobs f on f.id = j.id"),
        ("ended twice", "select count(*) - count(distinct id) from finished_jobs"),
        (
            "queued and not in the outbox",
            "select count(*) from jobs j where state = 'queued' and not exists (select 1 from outbox o where o.job_id = j.id)"
        ),
        (
            "in the outbox and not queued",
            "select count(*) from outbox o where not exists (select 1 from jobs j where j.id = o.job_id and j.state = 'queued')"
        ),
        ("running without a lease", "select count(*) from jobs where state = 'running' and (token is null or worker_id is null)"),
        ("queued with a lease", "select count(*) from jobs where state = 'queued' and (token is not null or worker_id is not null)"),
        ("scheduled and never promoted", "select count(*) from outbox where state = 'sent' and run_at > now()"),
        ("more attempts than there are", "select count(*) from finished_jobs where attempt > max_attempts"),
        ("spent attempts that never were", "select count(*) from jobs where attempt < 0 or attempt > max_attempts"),
        ("suspect here and not there", "select count(*) from outbox o join jobs j on j.id = o.job_id where j.suspect and not o.suspect"),
        (
            "completed without its effect",
            "select count(*) from finished_jobs f where state = 'completed' and not exists (select 1 from effects e where e.job = f.id)"
        ),
        ("effects twice", "select count(*) from (select 1 from effects group by job having count(*) > 1) twice"),
        (
            "an effect without completion",
            "select count(*) from effects e where not exists (select 1 from finished_jobs f where f.id = e.job and f.state = 'completed')"
        ),
        (
            "a counter that is not what runs",
            """
            select count(*) from limit_counters c
            full join (select limit_key collate "C" as key, count(*) as running from jobs where state = 'running' and limit_key is not null
                       group by limit_key) r using (key)
            where coalesce(c.in_use, 0) <> coalesce(r.running, 0)
            """
        ),
        (
            "more than a limit run",
            """
            select count(*) from (
                select 1 from jobs where state = 'running' and kind in ('test.limited', 'test.rated') group by limit_key, kind
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
            where p.state = 'parked' and p.kind = 'test.limited' and c.in_use < 1
              and not exists (select from outbox o where o.limit_key = p.limit_key and o.gated and o.state <> 'parked')
            """
        ),
        ("a cancel for the dead", "select count(*) from job_signals s where not exists (select 1 from jobs j where j.id = s.job_id)"),
    ]
}
