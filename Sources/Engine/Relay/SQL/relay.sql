-- The relay: finds what is due, publishes its wake-up, marks it sent.

-- What a turn begins with, in one look: makes ready what is due (the same look does not see it yet), and tells when the next will be, which queues are paused,
-- which have ready rows (where $2 asks for it), and how far the numbers are given out, with the transactions that may still hold some back. A snapshot's own end
-- is behind the last transaction that has ended; some that go on lie behind that, so the next one is reckoned from its age.
-- name: lookAround
with recursive due as materialized (
    select job_id from outbox where state = 'scheduled' and run_at <= now() order by run_at limit $1 for update skip locked
), promoted as (
    update outbox o set state = 'ready', publish = default from due where o.job_id = due.job_id returning 1
), queues as (
    (select queue from outbox where state = 'ready' order by queue limit 1)
    union all
    select (select o.queue from outbox o where o.state = 'ready' and o.queue > q.queue order by o.queue limit 1) from queues q where q.queue is not null
)
select (select count(*) from promoted)::int8 as promoted,
       (select (extract(epoch from min(run_at) - now()) * 1000)::int8 from outbox where state = 'scheduled' and run_at > now()) as next_due,
       array(select queue from queue_controls where paused) as paused,
       case when $2::boolean then array(select queue from queues where queue is not null) end as ready,
       (select case when is_called then last_value else 0 end from outbox_publish) as given_out,
       pg_snapshot_xmin(pg_current_snapshot())::text::int8 as oldest,
       pg_snapshot_xmax(pg_current_snapshot())::text::int8 + age(pg_snapshot_xmax(pg_current_snapshot())::xid) as next

-- For a queue whose whole backlog fits ($2): all of it, by priority, in the index's own order; where it does not fit, only the count, which goes no further than
-- one more than there is room for. $3: also those that are sent, as a worker without a broker sees them. Counted before anything is picked: a plan that sorts
-- would sort the whole backlog.
-- part: any
select c.count, o.job_id, o.publish, o.kind, o.trace, o.rank, o.account_id
from (
    select count(*)::int8 as count from (select 1 from outbox where queue = $1 and state = 'ready' and (sent_at is null or $3) limit $2 + 1) counted
) c
left join lateral (
    select job_id, publish, kind, trace, rank, account_id from outbox
    where queue = $1 and state = 'ready' and (sent_at is null or $3) and c.count <= $2
    order by rank, account_id, publish limit $2

-- name: pickAny
-- with: any
) o on true

-- The same without what others have in hand.
-- name: pickAnyFree
-- with: any
    for update skip locked
) o on true

-- The flows (rank, account) that have ready rows, sent or not, from the given one on; see the function.
-- name: flows
select rank, account_id, publish from waiting_flows($1::text, $2::int2, $3::uuid, $4::int4)

-- The same for one who knows some already; see the function.
-- name: flowsBeside
select rank, account_id, publish
from waiting_flows_beside($1::text, $2::int2[], $3::uuid[], $4::int8[], $5::int2[], $6::uuid[], $7::uuid[], $8::int2[], $9::int2[], $10::int4)

-- The flows of the rows that were made since the given id. By the ids; asked for rows that are `ready`, it could be answered from the index of all that are.
-- name: newFlows
select distinct rank, account_id from outbox
where job_id > $2 and queue = $1 and state not in ('scheduled', 'parked') and (sent_at is null or $3)
limit 2000

-- Each flow's share of rows, after the given number.
-- part: shares
select o.job_id, o.publish, o.kind, o.trace, f.rank, f.account_id, f.turn
from unnest($2::int2[], $3::uuid[], $4::int8[], $5::int8[]) with ordinality as f (rank, account_id, after, quota, turn),
lateral (
    select job_id, publish, kind, trace from outbox
    where queue = $1 and state = 'ready' and rank = f.rank and account_id = f.account_id and publish > f.after and (sent_at is null or $6)
    order by publish limit f.quota

-- name: pickFlows
-- with: shares
) o

-- The same without what others have in hand.
-- name: pickFlowsFree
-- with: shares
    for update skip locked
) o

-- Locks the rows by marking them, before they are published: what another relay or a claim took meanwhile is not returned, nor are fresh jobs of keys for which
-- others wait. Asked for rows that are `ready`, it could be answered from the index of all that are.
-- name: markSent
update outbox set sent_at = clock_timestamp()
where job_id = any($1::uuid[]) and state not in ('scheduled', 'parked') and sent_at is null
  and (limit_key is null or gated or (select true from limit_counters c where c.waiting and c.key = limit_key limit 1) is null)
returning job_id, publish

-- The broker did not take these.
-- name: unmark
update outbox set sent_at = null, publish = default where job_id = any($1::uuid[])
