-- A worker's own row: it holds the lock and counts heartbeats, on a direct connection.

-- name: register
insert into workers (id, lock, host, process, role, queues) values ($1, nextval('worker_locks')::int4, $2, $3, $4, $5) returning lock

-- name: lock
select pg_try_advisory_lock(1837, $1::int4) as locked

-- name: beat
update workers set beats = beats + 1, running = $2, stopping = $3 where id = $1 returning id

-- name: unregister
delete from workers where id = $1

-- The claims that the ledger knows under this worker.
-- name: claims
select id from claims where worker_id = $1

-- name: lockLeases
select j.id, j.kind, j.attempt, j.deaths, c.started_at, j.limit_key,
       exists (select 1 from job_signals s where s.job_id = j.id and s.signal = 'cancel') as cancelled
from claims c join jobs j on j.id = any(c.job_ids) and j.runs = c.runs[array_position(c.job_ids, j.id)]
where c.worker_id = $1 and c.id = any($2::int8[])
order by j.id for update of j skip locked

-- Claims whose jobs have all moved on. A job that somebody holds at the moment keeps its claim.
-- name: forgetClaims
delete from claims c
where c.worker_id = $1 and c.id = any($2::int8[])
  and not exists (select 1 from jobs j where j.id = any(c.job_ids) and j.runs = c.runs[array_position(c.job_ids, j.id)])
