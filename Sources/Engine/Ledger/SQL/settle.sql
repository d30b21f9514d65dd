-- Settling: every transition out of a run. A leased job gives the number of its run, an atomic one null; every way out of a run moves the row's number on or
-- takes the row away, so where the number is another the run was rescued, and nothing happens.

-- name: lockRuns
select j.id, j.runs, exists (select 1 from job_signals s where s.job_id = j.id and s.signal = 'cancel') as cancelled
from jobs j join unnest($1::uuid[], $2::int4[]) as m (id, run) on m.id = j.id and m.run = j.runs
where j.id = any($1::uuid[])
order by j.id
for update of j

-- name: finish
with done as (
    delete from jobs j
    using unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::int2[], $7::text[], $8::uuid[], $9::timestamptz[], $10::int2[],
                 $11::int4[])
        as f (id, state, error_code, error, result, retention, attempt_entry, worker_id, started_at, attempt, run)
    where j.id = any($1::uuid[]) and j.id = f.id and (f.run is null or j.runs = f.run)
    returning j.id, j.account_id, j.actor_id, j.parent_id, f.worker_id, j.created_at, j.run_at, f.started_at, f.attempt, j.max_attempts, j.priority,
              j.runs + case when f.started_at is null then 0 else 1 end as runs, f.state, j.kind, j.queue, j.unique_key,
              j.trace, f.error_code, f.error, j.payload, j.progress, j.checkpoint, f.result::json as result,
              case when f.attempt_entry is null then j.attempts else array_append(j.attempts, f.attempt_entry::json) end as attempts, f.retention
), signals as (
    delete from job_signals s using done where s.job_id = done.id
)
insert into finished_jobs (id, account_id, actor_id, parent_id, worker_id, created_at, run_at, started_at, finished_at, expires_on, attempt, max_attempts,
                           priority, runs, state, kind, queue, unique_key, trace, error_code, error, payload, progress, checkpoint, result, attempts)
select id, account_id, actor_id, parent_id, worker_id, created_at, run_at, started_at, clock_timestamp(), current_date + retention + 1, attempt,
       max_attempts, priority, runs, state, kind, queue, unique_key, trace, error_code, error, payload, progress, checkpoint, result, attempts
from done
returning id

-- Back to the outbox: retry, snooze, interruption; after a delay, not at a time: the worker's clock ($7) may be an hour ahead or
-- behind. A job whose unique key a newer twin holds by now is left out and finished as cancelled.
-- name: requeue
with back as (
    update jobs j
    set runs = j.runs + 1, key_released = false,
        run_at = now() + greatest(r.run_at - $7::timestamptz, interval '0'), attempt = r.attempt, suspect = r.suspect, deaths = r.deaths,
        attempts = case when r.attempt_entry is null then j.attempts else array_append(j.attempts, r.attempt_entry::json) end, queue = coalesce(r.queue, j.queue)
    from unnest($1::uuid[], $2::timestamptz[], $3::int2[], $4::boolean[], $5::int2[], $6::text[], $8::text[])
        as r (id, run_at, attempt, suspect, deaths, attempt_entry, queue)
    where j.id = r.id
    returning j.id, j.account_id, j.run_at, j.priority, j.suspect, j.queue, j.kind, j.limit_key, j.trace
)
insert into outbox (job_id, account_id, run_at, rank, suspect, state, queue, kind, limit_key, trace)
select id, coalesce(account_id, '00000000-0000-0000-0000-000000000000'), run_at, -priority, suspect,
       case when run_at <= now() then 'ready' else 'scheduled' end, queue, kind, limit_key, trace
from back
on conflict (job_id) do nothing

-- name: newerTwins
select j.id, t.id as twin
from jobs j join jobs t on t.unique_key = j.unique_key and t.id <> j.id and not t.key_released
where j.id = any($1::uuid[]) and j.unique_key is not null

-- name: saveProgress
update jobs set progress = coalesce($3::json, progress), checkpoint = coalesce($4::json, checkpoint) where id = $1 and runs = $2

-- name: cancelSignals
select job_id from job_signals where job_id = any($1::uuid[]) and signal = 'cancel'
