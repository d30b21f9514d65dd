-- The relay: finds what is due, publishes its wake-up, marks it sent.

-- name: promote
with due as (
    select job_id from outbox where state = 'scheduled' and run_at <= now() order by run_at limit $1 for update skip locked
)
update outbox o set state = 'ready' from due where o.job_id = due.job_id

-- name: nextDue
select (extract(epoch from min(run_at) - now()) * 1000)::int8 as milliseconds from outbox where state = 'scheduled'

-- name: pausedQueues
select queue from queue_controls where paused

-- name: readyQueues
with recursive queues as (
    (select queue from outbox where state = 'ready' order by queue limit 1)
    union all
    select (select o.queue from outbox o where o.state = 'ready' and o.queue > q.queue order by o.queue limit 1) from queues q where q.queue is not null
)
select queue from queues where queue is not null

-- How many rows wait to be sent, counted no further than the given number; $3: also those that are sent, as a worker without a broker sees them.
-- name: readyCount
select count(*) as count from (select 1 from outbox where queue = $1 and state = 'ready' and (sent_at is null or $3) limit $2) counted

-- For a queue whose whole backlog fits the window: all of it, by priority, in the index's own order.
-- name: pickAny
select job_id, publish, kind, trace from outbox where queue = $1 and state = 'ready' and (sent_at is null or $3)
order by rank, account_id, job_id limit $2

-- The same without what others have in hand.
-- name: pickAnyFree
select job_id, publish, kind, trace from outbox where queue = $1 and state = 'ready' and (sent_at is null or $3)
order by rank, account_id, job_id limit $2
for update skip locked

-- The flows (rank, account) that have ready rows, sent or not, from the given one on; see the function.
-- name: flows
select rank, account_id from waiting_flows($1::text, $2::int2, $3::uuid, $4::int4)

-- The flows of the rows that were made since the given id. By the ids; asked for rows that are `ready`, it could be answered from the index of all that are.
-- name: newFlows
select distinct rank, account_id from outbox
where job_id > $2 and queue = $1 and state not in ('scheduled', 'parked') and (sent_at is null or $3)
limit 2000

-- Each flow's share of rows, after the row that was its last one before.
-- name: pickFlows
select o.job_id, o.publish, o.kind, o.trace, f.turn
from unnest($2::int2[], $3::uuid[], $4::uuid[], $5::int8[]) with ordinality as f (rank, account_id, after, quota, turn),
lateral (
    select job_id, publish, kind, trace from outbox
    where queue = $1 and state = 'ready' and rank = f.rank and account_id = f.account_id and job_id > f.after and (sent_at is null or $6)
    order by job_id limit f.quota
) o

-- The same without what others have in hand.
-- name: pickFlowsFree
select o.job_id, o.publish, o.kind, o.trace, f.turn
from unnest($2::int2[], $3::uuid[], $4::uuid[], $5::int8[]) with ordinality as f (rank, account_id, after, quota, turn),
lateral (
    select job_id, publish, kind, trace from outbox
    where queue = $1 and state = 'ready' and rank = f.rank and account_id = f.account_id and job_id > f.after and (sent_at is null or $6)
    order by job_id limit f.quota for update skip locked
) o

-- Locks the rows by marking them, before they are published: what another relay or a claim took meanwhile is not returned, nor are fresh jobs of keys for which
-- others wait. Asked for rows that are `ready`, it could be answered from the index of all that are.
-- name: markSent
update outbox set sent_at = clock_timestamp(), publish = publish + 1
where job_id = any($1::uuid[]) and state not in ('scheduled', 'parked') and sent_at is null
  and (limit_key is null or gated or (select true from limit_counters c where c.waiting and c.key = limit_key limit 1) is null)
returning job_id, publish

-- The broker did not take these.
-- name: unmark
update outbox set sent_at = null where job_id = any($1::uuid[])
