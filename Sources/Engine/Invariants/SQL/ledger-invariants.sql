-- What must be true of the ledger at every moment. Each statement finds what breaks one sentence, a line of text for each breach; it is read in a snapshot
-- of its own. What is changed together is changed in one transaction, so a snapshot can never see half of it.

-- name: queuedWithoutWaiting
select 'job_' || replace(j.id::text, '-', '') as breach
from jobs j where j.state = 'queued' and not exists (select 1 from outbox o where o.job_id = j.id)

-- name: waitingWithoutQueued
select 'job_' || replace(o.job_id::text, '-', '') as breach
from outbox o where not exists (select 1 from jobs j where j.id = o.job_id and j.state = 'queued')

-- name: waitingOtherwise
select 'job_' || replace(j.id::text, '-', '') as breach
from jobs j join outbox o on o.job_id = j.id
where (o.queue, o.kind, o.rank, o.account_id) is distinct from
      (j.queue, j.kind, (-j.priority)::int2, coalesce(j.account_id, '00000000-0000-0000-0000-000000000000'))
   or j.suspect and not o.suspect

-- name: runningWithoutLease
select 'job_' || replace(id::text, '-', '') as breach
from jobs where state = 'running' and (token is null or worker_id is null or started_at is null)

-- name: queuedWithLease
select 'job_' || replace(id::text, '-', '') as breach
from jobs where state = 'queued' and (token is not null or worker_id is not null)

-- A worker lives while its session holds its lock. The token belongs to the breach: the same job under another dead worker is another breach.
-- name: runningWithoutWorker
select 'job_' || replace(j.id::text, '-', '') || ' token ' || coalesce(j.token::text, '-') as breach
from jobs j
where j.state = 'running'
  and not exists (
      select 1 from workers w
      join pg_locks l on l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
        and l.classid = 1837 and l.objid = w.lock and l.objsubid = 2 and l.granted
      where w.id = j.worker_id)

-- name: tokenTwice
select 'token ' || token as breach from jobs where token is not null group by token having count(*) > 1

-- name: tokenOfNobody
select 'job_' || replace(j.id::text, '-', '') || ' token ' || j.token as breach from jobs j, job_tokens t where j.token > t.last_value

-- name: keyTwice
select 'key ' || unique_key as breach
from jobs where unique_key is not null and (state = 'queued' or left(unique_key, 2) = 'r:')
group by unique_key having count(*) > 1

-- name: wakeUpAmiss
select 'job_' || replace(job_id::text, '-', '') || ' ' || state as breach
from outbox
where publish < 0 or resends < 0
   or state = 'sent' and (sent_at is null or publish = 0 or run_at > now())
   or state in ('ready', 'scheduled') and sent_at is not null

-- name: attemptsAmiss
select 'job_' || replace(id::text, '-', '') || ' attempt ' || attempt || ' of ' || max_attempts as breach
from jobs where attempt < 0 or attempt > max_attempts or state = 'queued' and attempt = max_attempts

-- The maintenance forgets such signals after an hour.
-- name: signalForNobody
select 'job_' || replace(s.job_id::text, '-', '') as breach
from job_signals s
where s.created_at < now() - interval '2 hours' and not exists (select 1 from jobs j where j.id = s.job_id)

-- name: livesAndEnded
select 'job_' || replace(j.id::text, '-', '') as breach from jobs j where exists (select 1 from finished_jobs f where f.id = j.id)

-- name: endedTwice
select 'job_' || replace(id::text, '-', '') as breach from finished_jobs group by id having count(*) > 1

-- name: endedAmiss
select 'job_' || replace(id::text, '-', '') || ' ' || state as breach
from finished_jobs
where attempt < 0 or attempt > max_attempts or (state = 'completed') <> (error_code is null)
   or state = 'completed' and started_at is null

-- name: permitsAmiss
select 'key ' || key || ' counts ' || coalesce(c.in_use, 0) || ', ' || coalesce(r.running, 0) || ' run' as breach
from limit_counters c
full join (select limit_key collate "C" as key, count(*) as running from jobs where state = 'running' and limit_key is not null group by limit_key) r using (key)
where coalesce(c.in_use, 0) <> coalesce(r.running, 0)

-- name: parkedAmiss
select 'job_' || replace(job_id::text, '-', '') as breach from outbox where state = 'parked' and (limit_key is null or not gated or sent_at is not null)
