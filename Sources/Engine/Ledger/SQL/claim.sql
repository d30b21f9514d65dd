-- Claiming: the claiming transaction deletes the outbox row; a rollback brings it back.

-- part: waitingRows
select o.job_id, o.publish, o.run_at <= now() and o.state <> 'parked' as due, coalesce(c.paused, false) as paused, o.suspect, o.limit_key, o.gated, o.rank
from outbox o left join queue_controls c on c.queue = o.queue
where o.job_id = any($1::uuid[])
order by o.job_id
for update of o

-- Locks by id alone and waits for the row's newest version: the relay may still hold it for the confirm. Whether the wake-up's number is the row's is decided
-- on what the lock returns. In order of id, so that two claims cannot deadlock.
-- name: lockWaiting
-- with: waitingRows

-- name: lockWaitingUnlocked
-- with: waitingRows
skip locked

-- name: takeAtomic
with gone as (delete from outbox where job_id = any($1::uuid[]))
select j.*, exists (select 1 from job_signals s where s.job_id = j.id and s.signal = 'cancel') as cancelled
from jobs j where j.id = any($1::uuid[])

-- What follows a claim of leased jobs, once they are `gone` from the outbox: ids, worker, and the claims that the worker has done with, which are swept away. Keys
-- that are unique among queued jobs are free as soon as their job runs.
-- part: lease
), swept as (
    delete from claims where id = any($3::int8[])
), taken as materialized (
    select j.* from jobs j where j.id = any($1::uuid[]) and j.id in (select job_id from gone)
), released as (
    update jobs set key_released = true
    where id = any(array(select t.id from taken t where t.unique_key like 'q:%' and not t.key_released)) and not key_released
), lease as (
    insert into claims (worker_id, started_at, job_ids, runs) select $2, clock_timestamp(), array_agg(id), array_agg(runs) from taken having count(*) > 0
    returning id, started_at
)
select t.*, l.id as claim_id, l.started_at, exists (select 1 from job_signals s where s.job_id = t.id and s.signal = 'cancel') as cancelled
from taken t cross join lease l

-- Only under a worker's row that stands: a lease under an identity that was lost a moment ago would be nobody's.
-- name: takeLeased
with gone as (
    delete from outbox where job_id = any($1::uuid[]) and exists (select 1 from workers where id = $2)
    returning job_id
-- with: lease

-- The usual case in one statement: the wake-up's number is the row's, and nothing stands in the way. What this does not take may all the same be claimable,
-- since it compares with the version that the statement's snapshot saw; the careful way decides about the rest. Both conditions on the id: the list is for
-- the index, whatever the planner knew of the table when it made its plan.
-- name: takeAtomicAtOnce
with gone as (
    delete from outbox o using unnest($1::uuid[], $2::int8[]) as m (id, publish)
    where o.job_id = any($1::uuid[]) and o.job_id = m.id and o.publish = m.publish and o.run_at <= now() and not o.suspect
      and o.limit_key is null and not exists (select 1 from queue_controls c where c.queue = o.queue and c.paused)
    returning o.job_id
)
select j.*, exists (select 1 from job_signals s where s.job_id = j.id and s.signal = 'cancel') as cancelled
from jobs j where j.id = any($1::uuid[]) and j.id in (select job_id from gone)

-- name: takeLeasedAtOnce
with gone as (
    delete from outbox o using unnest($1::uuid[], $4::int8[]) as m (id, publish)
    where o.job_id = any($1::uuid[]) and o.job_id = m.id and o.publish = m.publish and o.run_at <= now() and not o.suspect
      and o.limit_key is null and not exists (select 1 from queue_controls c where c.queue = o.queue and c.paused)
      and exists (select 1 from workers where id = $2)
    returning o.job_id
-- with: lease

-- The same for jobs of a kind that limits how many of a key run at once, and by nothing else ($5: how many).
-- name: takeLimitedAtOnce
with gone as materialized (
    select job_id from take_limited($1::uuid[], $4::int8[], $2::uuid, $5::int4) as job_id
-- with: lease

-- Jobs go back to the outbox without having been worked on: prefetched ones at a stop. Only where the wake-up in hand is the row's; a row that a claim
-- holds is not ours to give.
-- name: giveBack
with mine as (
    select o.job_id from outbox o join unnest($1::uuid[], $2::int8[]) as m (id, publish) on o.job_id = m.id and o.publish = m.publish
    where o.job_id = any($1::uuid[]) and o.sent_at is not null for update of o skip locked
)
update outbox o set sent_at = null, publish = default from mine where o.job_id = mine.job_id

-- Committed before the job runs alone: if its worker dies, the death is on record. A row that a claim holds is being decided on elsewhere.
-- name: markSuspects
with found as (
    select job_id from outbox where job_id = any($1::uuid[]) and not suspect for update skip locked
), marked as (
    update outbox o set suspect = true from found where o.job_id = found.job_id returning o.job_id
)
update jobs j set suspect = true from marked where j.id = marked.job_id

-- Under the lock of the outbox row, so that only a run that is really about to begin is counted.
-- name: countDeath
update jobs set suspect = true, deaths = deaths + 1 where id = $1 returning deaths

-- The run alone of a suspect that is not to begin yet: the death that was counted in advance did not happen.
-- name: uncountDeaths
update jobs set deaths = greatest(deaths - 1, 0) where id = any($1::uuid[])

-- Did this queue lose a worker lately, or is one gone whose lock nobody holds? Only then does a redelivery make suspects.
-- name: lostWorkers
select exists (select 1 from worker_deaths d where $1 = any(d.queues) and d.died_at > now() - interval '10 minutes')
    or exists (
        select 1 from workers w where $1 = any(w.queues)
          and not exists (select 1 from pg_locks l
                          where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
                            and l.classid = 1837 and l.objid = w.lock and l.objsubid = 2 and l.granted)
    ) as lost
