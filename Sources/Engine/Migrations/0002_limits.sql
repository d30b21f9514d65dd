-- Limits per key of leased kinds: one row per key that is in use. in_use is the number of running jobs with this key and nothing else; it is written in the
-- transactions that begin and end their leases. A row that says nothing any more is removed by the maintenance.
create table limit_counters (
    key text collate "C" primary key,
    full_at bigint not null default 0,   -- when the bucket of the rate is full again, if nothing is taken; microseconds since 1970, this server's clock
    next_at bigint not null default 0,   -- from when on the next parked job may be given a time
    in_use integer not null default 0 check (in_use >= 0),
    waiting boolean not null default false -- jobs may be parked; set and cleared under the row's lock
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Keys whose limit is not their kind's. A null is the kind's own value; concurrency 0 lets nothing of the key begin.
create table limit_overrides (
    key text collate "C" primary key,
    concurrency integer check (concurrency >= 0),
    rate_count integer check (rate_count > 0),
    rate_per bigint check (rate_per > 0), -- microseconds
    burst integer check (burst > 0),
    changed_at timestamptz not null default now(),
    check ((rate_count is null) = (rate_per is null) and (burst is null or rate_count is not null))
);

-- The three functions that count. They are functions for the sake of their plans: planned while the table is nearly empty, as it is on the first day and after each
-- quiet night, a statement would read it from end to end, and go on doing so for a minute after a hundred thousand keys have come.

-- Permits for a claim, for all its keys at once. Per key: how many jobs ask that were let through before (gated), and how many come for the first time
-- (fresh); where others are parked, fresh ones queue up behind them. The bucket is kept as the time at which it is full again: each start moves that on
-- by one step, and there is a token while it lies no further ahead than burst - 1 steps. A clock that was set back finds it too far ahead: then
-- the bucket counts as empty, no worse. A key without a row gets one, unless another claim is just making it. A key that is not returned was locked.
create function take_permits(keys text[], fresh integer[], gated integer[], concurrency integer[], step bigint[], burst integer[])
returns table (key text, granted integer)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query
    with clock as materialized (
        select (extract(epoch from clock_timestamp()) * 1000000)::int8 as now
    ), held as materialized (
        select c.key, c.in_use, c.waiting, c.full_at from limit_counters c where c.key = any($1) order by c.key for update skip locked
    ), asked as materialized (
        select w.key, w.fresh, w.gated, h.key is null as is_new, coalesce(h.in_use, 0) as in_use, coalesce(h.waiting, false) as waiting,
               coalesce(o.concurrency, w.concurrency) as concurrency,
               coalesce((o.rate_per + o.rate_count - 1) / o.rate_count, w.step) as step,
               case when o.rate_count is null then w.burst else coalesce(o.burst, o.rate_count) end as burst,
               coalesce(h.full_at, 0) as full_at
        from unnest($1, $2, $3, $4, $5, $6) as w (key, fresh, gated, concurrency, step, burst)
        left join held h on h.key = w.key
        left join limit_overrides o on o.key = w.key and o.key = any($1)
        where h.key is not null
           -- The limit keeps the planner from reading the whole table for it.
           or (select true from limit_counters k where k.key = w.key limit 1) is null and pg_try_advisory_xact_lock(hashtextextended(w.key, -1))
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
        where c.key = any($1) and c.key = g.key and not g.is_new and (g.granted > 0 or not g.waiting)
    ), made as (
        insert into limit_counters (key, in_use, waiting, full_at)
        select key, granted, granted < wanted, case when step is null then 0 else full_at + granted * step end from grants where is_new
        on conflict (key) do nothing
        returning key
    )
    select g.key, g.granted from grants g left join made m on m.key = g.key where not g.is_new or m.key is not null;
end $$;

-- The last act of a transaction that ends leases: nobody waits for these locks longer than for its commit. The keys come in their order, and are gone through
-- in it, a descent each (no other join is left to the planner): so two of them cannot deadlock. Returns the keys for which others are parked.
create function give_permits(keys text[], counts integer[]) returns setof text
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan as $$
begin
    return query
    with counted as (
        update limit_counters c set in_use = c.in_use - b.count from unnest($1, $2) as b (key, count) where c.key = b.key
        returning c.key, c.waiting
    )
    select key from counted where waiting;
end $$;

-- Lets through what fits, by priority, then by age; the caller holds the counters. What was let through and is not yet claimed counts as if it ran, so
-- that nobody is let through for nothing. Under a rate, each gets a time of its own, one step after the other and a second ahead at most; the
-- claim of one lets the next one through. Nothing can be parked meanwhile, so a mark is cleared when all that are parked were let through.
create function let_through(keys text[], concurrency integer[], step bigint[], burst integer[]) returns bigint
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    moved_on bigint;
begin
    with clock as materialized (
        select (extract(epoch from clock_timestamp()) * 1000000)::int8 as now
    ), room as materialized (
        select c.key, r.step, greatest(c.next_at, clock.now, least(c.full_at, clock.now + r.burst * r.step) - (r.burst - 1) * r.step) as from_at,
               greatest(0, least(
                   coalesce(r.concurrency - c.in_use, 1000),
                   case when r.step is null then 1000 else least(greatest(1000000 / r.step, 1), 1000) end) - a.count)::int8 as count
        from unnest($1, $2, $3, $4) as w (key, concurrency, step, burst)
        join limit_counters c on c.key = w.key and c.key = any($1)
        left join limit_overrides o on o.key = w.key and o.key = any($1)
        cross join clock
        cross join lateral (
            select coalesce(o.concurrency, w.concurrency) as concurrency, coalesce((o.rate_per + o.rate_count - 1) / o.rate_count, w.step) as step,
                   case when o.rate_count is null then w.burst else coalesce(o.burst, o.rate_count) end as burst
        ) r
        cross join lateral (
            select count(*) as count from outbox where limit_key = c.key and gated and state in ('scheduled', 'ready')
        ) a
    ), chosen as materialized (
        select r.key, o.job_id, row_number() over (partition by r.key order by o.rank, o.job_id) - 1 as turn, r.from_at, r.step
        from room r
        cross join lateral (
            select job_id, rank from outbox where limit_key = r.key and gated and state = 'parked'
            order by rank, job_id limit r.count for update skip locked
        ) o
    ), moved as (
        update outbox o
        set state = case when t.at > clock.now then 'scheduled' else 'ready' end,
            run_at = case when t.at > clock.now then timestamptz 'epoch' + t.at * interval '1 microsecond' else o.run_at end
        from chosen n cross join clock cross join lateral (select case when n.step is null then 0 else n.from_at + n.turn * n.step end as at) t
        where o.job_id = n.job_id
    ), left_over as materialized (
        select r.key, r.from_at, r.step, n.count as taken,
               (select count(*) from (
                   select 1 from outbox where limit_key = r.key and gated and state = 'parked' limit n.count + 1) seen) > n.count as waiting
        from room r cross join lateral (select count(*) as count from chosen where chosen.key = r.key) n
    ), marked as (
        update limit_counters c
        set waiting = l.waiting, next_at = case when l.step is null or l.taken = 0 then c.next_at else l.from_at + l.taken * l.step end
        from left_over l where c.key = any($1) and c.key = l.key and (c.waiting <> l.waiting or l.taken > 0)
    )
    select coalesce(sum(taken), 0) into moved_on from left_over;
    return moved_on;
end $$;
