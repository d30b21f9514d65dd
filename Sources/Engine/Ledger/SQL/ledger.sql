-- Reading the ledger and acting on single jobs and queues. Who may see what is Business's to say, and so are lists.

-- name: findJob
select id, kind, queue, state, account_id, actor_id, parent_id, worker_id, created_at, run_at, started_at, null::timestamptz as finished_at, attempt,
       max_attempts, priority, trace, payload, progress, null::json as result, null::text as error_code, null::text as error, attempts
from living_jobs where id = $1
union all
select id, kind, queue, state, account_id, actor_id, parent_id, worker_id, created_at, run_at, started_at, finished_at, attempt,
       max_attempts, priority, trace, payload, progress, result, error_code, error, coalesce(attempts, '{}')
from finished_jobs where id = $1

-- name: lockForCancel
select case when o.gated then o.limit_key end as gate from outbox o where o.job_id = $1 for update skip locked

-- name: deleteWaiting
delete from outbox where job_id = $1

-- name: isAlive
select id from jobs where id = $1

-- name: retentionOf
select kind, attempt from jobs where id = $1

-- Waiting jobs with a cancel on record: it came while a relay or an enqueuer held the row, or just as the run went back to the queue.
-- name: signalledWaiting
select o.job_id, case when o.gated then o.limit_key end as gate from job_signals s join outbox o on o.job_id = s.job_id
where s.signal = 'cancel'
order by o.job_id limit $1
for update of o skip locked

-- Signals whose job has ended without them.
-- name: forgetSignals
delete from job_signals s where s.created_at < now() - interval '1 hour' and not exists (select 1 from jobs j where j.id = s.job_id)

-- name: signalCancel
insert into job_signals (job_id, signal, actor_id) values ($1, 'cancel', $2) on conflict do nothing

-- A dead job whose unique key a living twin holds stays dead; of several with one key, the first comes back. A cancel that came too late for the last
-- run is not meant for the new one.
-- name: revive
with chosen as (
    select f.id, row_number() over (partition by coalesce(f.unique_key, f.id::text) order by f.id) as turn
    from finished_jobs f
    where f.id = any($1::uuid[]) and f.state = 'dead'
      and not exists (
          select 1 from jobs t where t.unique_key = f.unique_key and not t.key_released)
), gone as (
    delete from finished_jobs f using chosen c where f.id = c.id and c.turn = 1 and f.state = 'dead' returning f.*
), signals as (
    delete from job_signals s using gone where s.job_id = gone.id
), back as (
    insert into jobs (id, account_id, actor_id, parent_id, created_at, run_at, max_attempts, priority, kind, queue, unique_key, trace, payload,
                      progress, checkpoint, runs, attempts)
    select id, account_id, actor_id, parent_id, created_at, now(), max_attempts, priority, kind, queue, unique_key, trace, payload, progress,
           checkpoint, runs, attempts
    from gone
    returning id, account_id, run_at, priority, queue, kind, trace
)
insert into outbox (job_id, account_id, run_at, rank, state, queue, kind, trace)
select id, coalesce(account_id, '00000000-0000-0000-0000-000000000000'), run_at, -priority, 'ready', queue, kind, trace from back
returning job_id, kind

-- name: deadJobs
select id from finished_jobs
where state = 'dead' and ($1::text is null or queue = $1) and ($2::text is null or kind = $2) and id > $3
order by id limit $4

-- name: setPaused
insert into queue_controls (queue, paused, paused_by, changed_at) values ($1, $2, $3, now())
on conflict (queue) do update set paused = excluded.paused, paused_by = excluded.paused_by, changed_at = now()

-- Wake-ups that were dropped while the queue was paused, or by a broker that was wiped, are sent again at once. What a claim holds needs no wake-up.
-- name: unsend
with lost as (select job_id from outbox where queue = $1 and state = 'ready' and sent_at is not null for update skip locked)
update outbox o set sent_at = null, publish = default from lost where o.job_id = lost.job_id

-- name: queueCounts
select queue, case when sent_at is null then state else 'sent' end as state, count(*) as count,
       extract(epoch from now() - min(run_at))::float8 as oldest
from outbox group by 1, 2

-- name: runningCounts
select queue, count(*) as count from running_jobs group by queue

-- name: deadCounts
select queue, count(*) as count from finished_jobs where state = 'dead' group by queue

-- name: queueControls
select queue, paused, changed_at from queue_controls
