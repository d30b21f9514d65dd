-- Limits per key. A counter's row is locked by whoever changes what it says, in order of the keys. Jobs are parked, and the mark `waiting` is set and cleared,
-- only under that lock; so an end of a run that finds no mark has nothing to let through. What counts is in functions, beside the tables: see there.

-- Permits for a claim, for all its jobs at once: ids, keys, gated, concurrency, step, burst; in the order in which they may begin.
-- name: takePermits
select job_id, verdict from take_permits($1::uuid[], $2::text[], $3::boolean[], $4::int4[], $5::int8[], $6::int4[])

-- A full key's jobs. No wake-up that is under way can claim them: a parked row is not due, and gets a new number when it is ready again.
-- name: park
update outbox set state = 'parked', gated = true, sent_at = null, resends = 0 where job_id = any($1::uuid[])

-- Those of the jobs whose keys others wait for, without what somebody else holds. The marks are looked at again under the locks, and who takes a lock after this
-- statement sees what it parked.
-- name: parkWaiting
with held as materialized (
    select c.key from limit_counters c
    where c.waiting and c.key = any(array(select o.limit_key from outbox o where o.job_id = any($1::uuid[]) and not o.gated))
    order by c.key for update skip locked
), fresh as materialized (
    select o.ctid as place, o.job_id from outbox o
    where o.job_id = any($1::uuid[]) and o.limit_key = any(array(select key from held)) and not o.gated and o.sent_at is null
      and o.state not in ('scheduled', 'parked')
    for update skip locked
)
update outbox o set state = 'parked', gated = true, resends = 0 from fresh f where o.ctid = f.place and o.job_id = f.job_id

-- Jobs of a key that is in somebody's hands come again in a moment.
-- name: putBack
update outbox set sent_at = null, state = 'scheduled', run_at = now() + interval '10 milliseconds' where job_id = any($1::uuid[])

-- Those of the keys for which others wait, locked; the last act of a transaction that ends leases: nobody waits for these locks longer than for its commit.
-- name: holdWaiting
select c.key from limit_counters c where c.waiting and c.key = any($1::text[]) order by c.key for update

-- Taken in a statement of its own before `letThrough`: what it reads must be younger than the lock.
-- name: holdCounters
select c.key from limit_counters c where c.key = any($1::text[]) order by c.key for update skip locked

-- Lets through what fits; the caller holds the counters.
-- name: letThrough
select let_through($1::text[], $2::int4[], $3::int8[], $4::int4[]) as count

-- Atomic kinds: a slot of a key is an advisory lock, held until the transaction of the run ends. Seeds from 0 are slots.
-- name: takeSlots
select w.key, exists (
           select from generate_series(0, coalesce(o.concurrency, w.slots) - 1) s where pg_try_advisory_xact_lock(hashtextextended(w.key, s))
       ) as taken
from unnest($1::text[], $2::int4[]) as w (key, slots) left join limit_overrides o on o.key = w.key

-- Of keys with `free` slots as many jobs as make a batch: one transaction runs many jobs of a key in one slot.
-- part: letIn
), room as (
    select f.key, greatest(0, f.batch - a.count)::int8 as count
    from free f
    cross join lateral (select count(*) as count from outbox where limit_key = f.key and gated and state = 'ready') a
), chosen as materialized (
    select o.job_id from room r
    cross join lateral (
        select job_id from outbox where limit_key = r.key and gated and state = 'parked' order by rank, job_id limit r.count for update skip locked
    ) o
)
update outbox o set state = 'ready', publish = default from chosen n where o.job_id = n.job_id

-- After the commit that gave a slot back: who was parked before that is found here, and who is parked later looks for himself, with `letIntoFreeSlots`.
-- name: letIntoSlots
with free as (
    select w.key, w.batch from unnest($1::text[], $2::int4[]) as w (key, batch)
-- with: letIn

-- After the commit that parked a job, and now and then: the slot may have been given back just before, when nobody was parked yet.
-- name: letIntoFreeSlots
with free as materialized (
    select w.key, w.batch from unnest($1::text[], $2::int4[], $3::int4[]) as w (key, batch, slots) left join limit_overrides o on o.key = w.key
    where exists (
        select from generate_series(0, coalesce(o.concurrency, w.slots) - 1) s where pg_try_advisory_xact_lock(hashtextextended(w.key, s))
    )
-- with: letIn

-- Keys with parked jobs, from the given one on: one index descent a key, however many jobs are parked.
-- name: parkedKeys
with recursive keys as (
    (select limit_key as key from outbox where gated and state = 'parked' and limit_key > $1 order by limit_key limit 1)
    union all
    select (select o.limit_key from outbox o where o.gated and o.state = 'parked' and o.limit_key > k.key order by o.limit_key limit 1)
    from keys k where k.key is not null
)
select key from keys where key is not null limit $2

-- Marks of keys that no leased run counts any more, since their kind has lost its limit or become atomic: the relay would go on parking what is fresh.
-- name: clearMarks
update limit_counters set waiting = false
where key = any(array(select c.key from limit_counters c where c.waiting and c.key = any($1::text[]) order by c.key for update skip locked))

-- Parked jobs of keys that nothing limits any more: their kind has lost its limit.
-- name: release
with free as (select job_id from outbox where limit_key = any($1::text[]) and gated and state = 'parked' for update skip locked)
update outbox o set state = 'ready', publish = default from free where o.job_id = free.job_id

-- Keys whose row says nothing, of so many after the given one; see the function.
-- name: forgetIdle
select forget_idle_keys($1::text, $2::int4) as last

-- Running jobs that their key's list does not name: there must be none.
-- name: drift
select key, count(*)::int4 as unlisted from uncounted_runs group by key order by key limit 100

-- Jobs that came back from the dead: their keys by today's definitions.
-- name: setKeys
with keyed as (
    update jobs j set limit_key = n.key from unnest($1::uuid[], $2::text[]) as n (id, key) where j.id = n.id returning j.id, j.limit_key
)
update outbox o set limit_key = k.limit_key from keyed k where o.job_id = k.id

-- name: payloads
select id, kind, payload from jobs where id = any($1::uuid[])

-- name: setOverride
insert into limit_overrides (key, concurrency, rate_count, rate_per, burst, changed_at) values ($1, $2, $3, $4, $5, now())
on conflict (key) do update set concurrency = excluded.concurrency, rate_count = excluded.rate_count, rate_per = excluded.rate_per,
    burst = excluded.burst, changed_at = now()

-- name: removeOverride
delete from limit_overrides where key = $1
