-- The maintenance: one leads under an advisory lock, the others stand by.

-- name: lead
select pg_try_advisory_lock(1837, 0) as leads

-- Wake-ups that nobody claimed are sent again; see the function.
-- name: resend
select queue, rank, account_id, publish, seen, again from send_again($1::float8, $2::text, $3::int2, $4::uuid, $5::int8, $6::int4)

-- What the server counts in the outbox: rows that a vacuum could remove, if nobody can see them any more, and rows that stay.
-- name: deadWaiting
select coalesce(pg_stat_get_dead_tuples('outbox'::regclass), 0)::int8 as dead, coalesce(pg_stat_get_live_tuples('outbox'::regclass), 0)::int8 as live

-- name: workers
select w.id, w.lock, w.beats, w.queues,
       exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
                 and l.classid = 1837 and l.objid = w.lock and l.objsubid = 2 and l.granted) as locked
from workers w

-- name: buryWorker
with gone as (delete from workers where id = $1 returning id, queues)
insert into worker_deaths (worker_id, queues) select id, queues from gone on conflict do nothing

-- Skips what is locked: that is a late end being written, or a frozen process in the middle of it; the next round looks again.
-- name: leasesOf
select j.id, j.kind, j.attempt, j.deaths, c.started_at, j.limit_key,
       exists (select 1 from job_signals s where s.job_id = j.id and s.signal = 'cancel') as cancelled
from claims c join jobs j on j.id = any(c.job_ids) and j.runs = c.runs[array_position(c.job_ids, j.id)]
where c.worker_id = $1
order by j.id limit 500 for update of j skip locked

-- Claims of a dead worker whose jobs have all moved on; what was skipped above keeps its claim.
-- name: forgetClaims
delete from claims c
where c.worker_id = $1 and not exists (select 1 from jobs j where j.id = any(c.job_ids) and j.runs = c.runs[array_position(c.job_ids, j.id)])

-- Leases of workers that no row knows: their worker was buried while its claim was on its way.
-- name: orphanedWorkers
select distinct c.worker_id from claims c where not exists (select 1 from workers w where w.id = c.worker_id)

-- name: forgetDeaths
delete from worker_deaths where died_at < now() - interval '1 day'

-- name: makePartitions
select make_job_partitions(current_date + $1::int4) as made

-- name: dropPartitions
select drop_job_partitions(current_date) as partition

-- Rows that no partition took and whose day is over.
-- name: dropStrays
delete from finished_jobs_default where expires_on < current_date

-- The wake-up is gone with its dead letter, so it is sent again; a job that waits for its time goes on waiting.
-- name: suspectOutbox
with found as (
    select job_id from outbox where job_id = any($1::uuid[]) for update skip locked
), marked as (
    update outbox o
    set suspect = true, sent_at = null, publish = default
    from found where o.job_id = found.job_id returning o.job_id
)
update jobs j set suspect = true from marked where j.id = marked.job_id

-- name: ensureSchedule
insert into schedules (kind, name, last_slot) values ($1, $2, $3) on conflict (kind, name) do nothing

-- name: lastSlot
select last_slot from schedules where kind = $1 and name = $2

-- name: fire
update schedules set last_slot = $3 where kind = $1 and name = $2 and last_slot = $4 returning kind
