-- The health of endpoints. A healthy endpoint has no row, or a plain one, and its deliveries only read it.

-- Locks the rows of those that failed or answered slowly, and of those about whom something is remembered, in order of id; makes those that are missing.
-- An upsert locks in one statement and in one order; to insert first and lock then could deadlock.
-- name: lock
with notable as (
    select unnest($2::uuid[]) as id
    union
    select endpoint_id from webhook_endpoint_health
    where endpoint_id = any($1::uuid[]) and (phase <> 'closed' or failures > 0 or openings > 0 or is_slow or pace_count > 0)
)
insert into webhook_endpoint_health (endpoint_id)
select id from notable order by id
on conflict (endpoint_id) do update set since = webhook_endpoint_health.since
returning *, clock_timestamp() as now

-- name: save
update webhook_endpoint_health h
set phase = n.phase, since = n.since, until = n.until, failures = n.failures, openings = n.openings, allowed = n.allowed, successes = n.successes,
    reason = n.reason, is_slow = n.is_slow, pace_count = n.pace_count, probe_id = case when n.phase = 'probing' then h.probe_id end
from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::int4[], $6::int4[], $7::int4[], $8::int4[], $9::text[], $10::boolean[],
            $11::int4[])
     as n (endpoint_id, phase, since, until, failures, openings, allowed, successes, reason, is_slow, pace_count)
where h.endpoint_id = n.endpoint_id

-- Exactly one gets it, over all workers; one that has not come back by its time is lost, and another may.
-- name: takeProbe
update webhook_endpoint_health
set phase = 'probing', probe_id = $2, since = clock_timestamp(), until = clock_timestamp() + make_interval(secs => $3::float8)
where endpoint_id = $1 and phase in ('open', 'probing') and until <= clock_timestamp()
returning endpoint_id

-- What the breaker must know of endpoints that are called; of others nobody need hear.
-- name: owners
select id, account_id, url, max_in_flight, rate_per_second from webhook_endpoints where id = any($1::uuid[]) and active and deleted_at is null

-- Somebody has not answered for long: said while the attempt goes on. One by one, each in a transaction of its own.
-- name: markSlow
insert into webhook_endpoint_health (endpoint_id, is_slow) values ($1, true)
on conflict (endpoint_id) do update set is_slow = true, pace_count = 0 where not webhook_endpoint_health.is_slow

-- An endpoint that is activated or gets another address begins anew.
-- name: forget
delete from webhook_endpoint_health where endpoint_id = $1 returning phase, openings

-- Waits for a transition that is being made: limits are then those of the phase that is read afterwards.
-- name: await
select 1 from webhook_endpoint_health where endpoint_id = $1 for update

-- name: phaseOf
select e.account_id, e.max_in_flight, coalesce(h.phase, 'closed') as phase
from webhook_endpoints e left join webhook_endpoint_health h on h.endpoint_id = e.id
where e.id = $1 and e.active and e.deleted_at is null

-- Breakers that are not closed, of endpoints that are called.
-- name: census
select h.phase, count(*) as count
from webhook_endpoint_health h join webhook_endpoints e on e.id = h.endpoint_id
where h.phase <> 'closed' and e.active and e.deleted_at is null
group by h.phase
