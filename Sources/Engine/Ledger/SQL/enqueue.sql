-- Enqueueing: two rows a job. A unique job that meets its twin inserts nothing and is resolved by findTwins.

-- What is due by the caller's clock is due by the database's too: with a clock that is ahead, the wake-up would be refused at the claim as too early.
-- part: newJobs
with new as (
    insert into jobs (id, account_id, actor_id, parent_id, created_at, run_at, max_attempts, priority, kind, queue, unique_key, limit_key, trace, payload)
    select n.id, n.account_id, n.actor_id, n.parent_id, $13::timestamptz,
           case when n.run_at <= $13 then least(n.run_at, now()) else n.run_at end, n.max_attempts, n.priority, n.kind, n.queue, n.unique_key,
           n.limit_key, n.trace, n.payload::json
    from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::int2[], $7::int2[], $8::text[], $9::text[], $10::text[],
                $11::text[], $12::text[], $14::text[])
         as n (id, account_id, actor_id, parent_id, run_at, max_attempts, priority, kind, queue, unique_key, trace, payload, limit_key)

-- part: newWaiting
    returning id, account_id, run_at, priority, queue, kind, limit_key, trace
), waiting as (
    insert into outbox (job_id, account_id, run_at, rank, state, queue, kind, limit_key, trace)
    select id, coalesce(account_id, '00000000-0000-0000-0000-000000000000'), run_at, -priority,
           case when run_at <= $13 then 'ready' else 'scheduled' end, queue, kind, limit_key, trace
    from new
)
select id from new

-- name: insertJobs
-- with: newJobs
    on conflict (unique_key) where unique_key is not null and not key_released do nothing
-- with: newWaiting

-- The same for jobs without a unique key: what cannot conflict needs no word in the log that it did not.
-- name: insertPlainJobs
-- with: newJobs
-- with: newWaiting

-- The twin is read and its outbox row locked without holding any lock before: an insert that waited here while it held the twin's ledger row would
-- meet a claim that holds them the other way round.
-- name: findTwins
select j.id, j.unique_key from jobs j
where j.unique_key = any($1::text[]) and not j.key_released

-- In order of id, as claims lock.
-- name: lockTwins
select job_id from outbox where job_id = any($1::uuid[]) order by job_id for share
