-- What must be true of the ledger at every moment. Each statement finds what breaks one sentence, a line of text for each breach; it is read in a snapshot
-- of its own. What is changed together is changed in one transaction, so a snapshot can never see half of it.

-- name: neitherWaitsNorRuns
select 'job_' || replace(j.id::text, '-', '') as breach
from jobs j where not exists (select 1 from outbox o where o.job_id = j.id) and not exists (select 1 from running_jobs r where r.id = j.id)

-- name: waitsAndRuns
select 'job_' || replace(o.job_id::text, '-', '') as breach from outbox o join running_jobs r on r.id = o.job_id

-- name: waitingWithoutJob
select 'job_' || replace(o.job_id::text, '-', '') as breach
from outbox o where not exists (select 1 from jobs j where j.id = o.job_id)

-- name: waitingOtherwise
select 'job_' || replace(j.id::text, '-', '') as breach
from jobs j join outbox o on o.job_id = j.id
where (o.queue, o.kind, o.rank, o.account_id) is distinct from
      (j.queue, j.kind, (-j.priority)::int2, coalesce(j.account_id, '00000000-0000-0000-0000-000000000000'))
   or j.suspect and not o.suspect

-- A worker lives while its session holds its lock. The claim belongs to the breach: the same job under another dead worker is another breach.
-- name: runningWithoutWorker
select 'job_' || replace(j.id::text, '-', '') || ' claim ' || j.claim_id as breach
from running_jobs j
where not exists (
      select 1 from workers w
      join pg_locks l on l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
        and l.classid = 1837 and l.objid = w.lock and l.objsubid = 2 and l.granted
      where w.id = j.worker_id)

-- name: leasedTwice
select 'job_' || replace(id::text, '-', '') as breach from running_jobs group by id having count(*) > 1

-- name: claimAmiss
select 'claim ' || c.id || ', job_' || replace(coalesce(l.id::text, '-'), '-', '') as breach
from claims c cross join lateral unnest(c.job_ids, c.runs) as l (id, run) left join jobs j on j.id = l.id
where l.id is null or l.run is null or l.run > j.runs

-- name: keyTwice
select 'key ' || unique_key as breach
from jobs where unique_key is not null and not key_released
group by unique_key having count(*) > 1

-- A key is let go of while its job runs, and only one that is for queued jobs.
-- name: keyLetGo
select 'key ' || coalesce(j.unique_key, '-') as breach
from jobs j
where j.key_released and (j.unique_key is null or left(j.unique_key, 2) = 'r:' or exists (select 1 from outbox o where o.job_id = j.id))

-- name: wakeUpAmiss
select 'job_' || replace(job_id::text, '-', '') || ' ' || state as breach
from outbox
where publish < 1 or resends < 0
   or sent_at is not null and (state <> 'ready' or run_at > now())

-- name: attemptsAmiss
select 'job_' || replace(id::text, '-', '') || ' attempt ' || attempt || ' of ' || max_attempts as breach
from jobs where attempt < 0 or attempt >= max_attempts

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

-- A run holds its key's permit by being named there.
-- name: permitsAmiss
select 'key ' || key || ', job_' || replace(id::text, '-', '') as breach from uncounted_runs

-- name: parkedAmiss
select 'job_' || replace(job_id::text, '-', '') as breach from outbox where state = 'parked' and (limit_key is null or not gated or sent_at is not null)
