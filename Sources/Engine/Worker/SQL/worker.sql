-- A worker's own row: it holds the lock and counts heartbeats, on a direct connection.

-- name: register
insert into workers (id, lock, host, process, role, queues) values ($1, nextval('worker_locks')::int4, $2, $3, $4, $5) returning lock

-- name: lock
select pg_try_advisory_lock(1837, $1::int4) as locked

-- name: beat
update workers set beats = beats + 1, running = $2, stopping = $3 where id = $1 returning id

-- name: unregister
delete from workers where id = $1

-- The leases that the ledger knows under this worker.
-- name: leases
select token from jobs where worker_id = $1 and state = 'running'

-- name: lockLeases
select j.id, j.token, j.kind, j.attempt, j.deaths, j.started_at, j.limit_key,
       exists (select 1 from job_signals s where s.job_id = j.id and s.signal = 'cancel') as cancelled
from jobs j where j.worker_id = $1 and j.token = any($2::int8[]) and j.state = 'running' order by j.id for update of j skip locked
