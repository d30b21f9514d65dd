-- Limits per key. A counter's row is locked by whoever changes what it says: claims skip a locked one, ends of runs wait for it, in order of the keys.
-- Jobs are parked, and the mark `waiting` is set and cleared, only under that lock; so an end of a run that finds no mark has nothing to let through.

-- Permits for a claim, for all its keys at once. Per key: how many jobs ask that were let through before (gated), and how many come for the first time
-- (fresh); where others are parked, fresh ones queue up behind them. The bucket is kept as the time at which it is full again: each start moves that on
-- by one step, and there is a token while it lies no further ahead than burst - 1 steps. A clock that was set back finds it too far ahead: then
-- the bucket counts as empty, no worse. A key without a row gets one, unless another claim is just making it. A key that is not returned was locked.
-- name: takePermits
with clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::int8 as now
), held as materialized (
    select c.key, c.in_use, c.waiting, c.full_at from limit_counters c where c.key = any($1::text[]) order by c.key for update skip locked
), asked as materialized (
    select w.key, w.fresh, w.gated, h.key is null as is_new, coalesce(h.in_use, 0) as in_use, coalesce(h.waiting, false) as waiting,
           coalesce(o.concurrency, w.concurrency) as concurrency,
           coalesce((o.rate_per + o.rate_count - 1) / o.rate_count, w.step) as step,
           case when o.rate_count is null then w.burst else coalesce(o.burst, o.rate_count) end as burst,
           coalesce(h.full_at, 0) as full_at
    from unnest($1::text[], $2::int4[], $3::int4[], $4::int4[], $5::int8[], $6::int4[]) as w (key, fresh, gated, concurrency, step, burst)
    left join held h on h.key = w.key
    left join limit_overrides o on o.key = w.key
    left join lateral (select true as exists from limit_counters k where h.key is null and k.key = w.key) k on true
    where h.key is not null or (k.exists is null and pg_try_advisory_xact_lock(hashtextextended(w.key, -1)))
), grants as materialized (
    select a.key, a.is_new, a.waiting, a.fresh + a.gated as wanted, a.step, b.full_at,
           greatest(0, least(
               case when a.waiting then a.gated else a.fresh + a.gated end,
               coalesce(a.concurrency - a.in_use, 2147483647),
               coalesce(a.burst - (b.full_at - clock.now + a.step - 1) / a.step, 2147483647)))::int4 as granted
    from asked a cross join clock
    cross join lateral (select least(greatest(a.full_at, clock.now), clock.now + a.burst * a.step) as full_at) b
), counted as (
    update limit_counters c
    set in_use = c.in_use + g.granted, waiting = c.waiting or g.granted < g.wanted,
        full_at = case when g.step is null then c.full_at else g.full_at + g.granted * g.step end
    from grants g
    where c.key = g.key and not g.is_new and (g.granted > 0 or not g.waiting)
), made as (
    insert into limit_counters (key, in_use, waiting, full_at)
    select key, granted, granted < wanted, case when step is null then 0 else full_at + granted * step end from grants where is_new
    on conflict (key) do nothing
    returning key
)
select g.key, g.granted from grants g left join made m on m.key = g.key where not g.is_new or m.key is not null

-- A full key's jobs. The number moves on, so that no wake-up that is under way can claim them.
-- name: park
update outbox set state = 'parked', gated = true, sent_at = null, publish = publish + 1, resends = 0 where job_id = any($1::uuid[])

-- Jobs whose key another claim is busy with: they come again.
-- name: putBack
update outbox set state = 'ready', sent_at = null where job_id = any($1::uuid[]) and state = 'sent'

-- The run alone of a suspect that is not to begin yet: the death that was counted in advance did not happen.
-- name: uncountDeaths
update jobs set deaths = greatest(deaths - 1, 0) where id = any($1::uuid[])

-- The last act of a transaction that ends leases: nobody waits for these locks longer than for its commit. In order of the keys, so that two of them cannot
-- deadlock. Returns the keys for which others are parked.
-- name: givePermits
with held as materialized (
    select c.key from limit_counters c where c.key = any($1::text[]) order by c.key for update
), counted as (
    update limit_counters c set in_use = c.in_use - b.count
    from held h join unnest($1::text[], $2::int4[]) as b (key, count) on b.key = h.key
    where c.key = h.key
    returning c.key, c.waiting
)
select key from counted where waiting

-- Taken in a statement of its own before `letThrough`: what it reads must be younger than the lock.
-- name: holdCounters
select c.key from limit_counters c where c.key = any($1::text[]) order by c.key for update skip locked

-- Lets through what fits, by priority, then by age; the caller holds the counters. What was let through and is not yet claimed counts as if it ran, so
-- that nobody is let through for nothing. Under a rate, each gets a time of its own, one step after the other and a second ahead at most; the
-- claim of one lets the next one through. Nothing can be parked meanwhile, so a mark is cleared when all that are parked were let through.
-- name: letThrough
with clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::int8 as now
), room as materialized (
    select c.key, r.step, greatest(c.next_at, clock.now, least(c.full_at, clock.now + r.burst * r.step) - (r.burst - 1) * r.step) as from_at,
           greatest(0, least(coalesce(r.concurrency - c.in_use, 1000), case when r.step is null then 1000 else least(greatest(1000000 / r.step, 1), 1000) end) - a.count)::int8 as count
    from unnest($1::text[], $2::int4[], $3::int8[], $4::int4[]) as w (key, concurrency, step, burst)
    join limit_counters c on c.key = w.key
    left join limit_overrides o on o.key = w.key
    cross join clock
    cross join lateral (
        select coalesce(o.concurrency, w.concurrency) as concurrency, coalesce((o.rate_per + o.rate_count - 1) / o.rate_count, w.step) as step,
               case when o.rate_count is null then w.burst else coalesce(o.burst, o.rate_count) end as burst
    ) r
    cross join lateral (
        select count(*) as count from outbox where limit_key = c.key and gated and state in ('scheduled', 'ready', 'sent')
    ) a
), chosen as materialized (
    select r.key, o.job_id, row_number() over (partition by r.key order by o.rank, o.job_id) - 1 as turn, r.from_at, r.step
    from room r
    cross join lateral (
        select job_id, rank from outbox where limit_key = r.key and gated and state = 'parked' order by rank, job_id limit r.count for update skip locked
    ) o
), moved as (
    update outbox o
    set state = case when t.at > clock.now then 'scheduled' else 'ready' end,
        run_at = case when t.at > clock.now then timestamptz 'epoch' + t.at * interval '1 microsecond' else o.run_at end
    from chosen n cross join clock cross join lateral (select case when n.step is null then 0 else n.from_at + n.turn * n.step end as at) t
    where o.job_id = n.job_id
), left_over as materialized (
    select r.key, r.from_at, r.step, n.count as taken,
           (select count(*) from (select 1 from outbox where limit_key = r.key and gated and state = 'parked' limit n.count + 1) seen) > n.count as waiting
    from room r cross join lateral (select count(*) as count from chosen where chosen.key = r.key) n
), marked as (
    update limit_counters c
    set waiting = l.waiting, next_at = case when l.step is null or l.taken = 0 then c.next_at else l.from_at + l.taken * l.step end
    from left_over l where c.key = l.key and (c.waiting <> l.waiting or l.taken > 0)
)
select coalesce(sum(taken), 0)::int8 as count from left_over

-- Atomic kinds: a slot of a key is an advisory lock, held until the transaction of the run ends. Seeds from 0 are slots.
-- name: takeSlots
select w.key, exists (
           select from generate_series(0, coalesce(o.concurrency, w.slots) - 1) s where pg_try_advisory_xact_lock(hashtextextended(w.key, s))
       ) as taken
from unnest($1::text[], $2::int4[]) as w (key, slots) left join limit_overrides o on o.key = w.key

-- After the commit that gave a slot back: who was parked before that is found here, and who is parked later looks for himself, with `letIntoFreeSlots`. One
-- transaction runs many jobs of a key in one slot, so as many as make a batch are let through.
-- name: letIntoSlots
with room as (
    select w.key, greatest(0, w.batch - a.count)::int8 as count
    from unnest($1::text[], $2::int4[]) as w (key, batch)
    cross join lateral (select count(*) as count from outbox where limit_key = w.key and gated and state in ('ready', 'sent')) a
), chosen as materialized (
    select o.job_id from room r
    cross join lateral (
        select job_id from outbox where limit_key = r.key and gated and state = 'parked' order by rank, job_id limit r.count for update skip locked
    ) o
)
update outbox o set state = 'ready' from chosen n where o.job_id = n.job_id

-- After the commit that parked a job, and now and then: the slot may have been given back just before, when nobody was parked yet.
-- name: letIntoFreeSlots
with free as materialized (
    select w.key, w.batch from unnest($1::text[], $2::int4[], $3::int4[]) as w (key, batch, slots) left join limit_overrides o on o.key = w.key
    where exists (
        select from generate_series(0, coalesce(o.concurrency, w.slots) - 1) s where pg_try_advisory_xact_lock(hashtextextended(w.key, s))
    )
), room as (
    select f.key, greatest(0, f.batch - a.count)::int8 as count
    from free f
    cross join lateral (select count(*) as count from outbox where limit_key = f.key and gated and state in ('ready', 'sent')) a
), chosen as materialized (
    select o.job_id from room r
    cross join lateral (
        select job_id from outbox where limit_key = r.key and gated and state = 'parked' order by rank, job_id limit r.count for update skip locked
    ) o
)
update outbox o set state = 'ready' from chosen n where o.job_id = n.job_id

-- Keys with parked jobs, from the given one on: one index descent a key, however many jobs are parked.
-- name: parkedKeys
with recursive keys as (
    (select limit_key as key from outbox where gated and state = 'parked' and limit_key > $1 order by limit_key limit 1)
    union all
    select (select o.limit_key from outbox o where o.gated and o.state = 'parked' and o.limit_key > k.key order by o.limit_key limit 1)
    from keys k where k.key is not null
)
select key from keys where key is not null limit $2

-- Parked jobs of keys that nothing limits any more: their kind has lost its limit.
-- name: release
with free as (select job_id from outbox where limit_key = any($1::text[]) and gated and state = 'parked' for update skip locked)
update outbox o set state = 'ready' from free where o.job_id = free.job_id

-- Keys whose row says nothing: nothing runs, nothing is parked, the bucket is full.
-- name: forgetIdle
with idle as (
    select key from limit_counters
    where in_use = 0 and not waiting and greatest(full_at, next_at) < (extract(epoch from clock_timestamp()) * 1000000)::int8
    limit $1 for update skip locked
)
delete from limit_counters c using idle where c.key = idle.key

-- A row for each key whose counter is not what runs under it: there must be none.
-- name: drift
select key, coalesce(c.in_use, 0) as counted, coalesce(r.running, 0)::int4 as running
from limit_counters c
full join (select limit_key collate "C" as key, count(*) as running from jobs where state = 'running' and limit_key is not null group by limit_key) r using (key)
where coalesce(c.in_use, 0) <> coalesce(r.running, 0)
order by key limit 100

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
