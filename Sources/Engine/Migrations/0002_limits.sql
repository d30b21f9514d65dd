-- Limits per key of leased kinds: one row per key that is in use. A permit is held by a job that runs, and by nothing else: `holders` names the jobs that were given
-- one since the key was counted last, and those of them that do not run any more hold none. So the end of a run writes nothing here, whatever way it ends; a key
-- is counted anew when the list has grown to its limit. A row that says nothing any more is removed by the maintenance.
create table limit_counters (
    key text collate "C" primary key,
    full_at bigint not null default 0,     -- when the bucket of the rate is full again, if nothing is taken; microseconds since 1970, this server's clock
    next_at bigint not null default 0,     -- from when on the next parked job may be given a time
    waiting boolean not null default false, -- jobs may be parked; set and cleared under the row's lock
    holders uuid[] not null default '{}'
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index limit_counters_waiting on limit_counters (key) where waiting;

-- Running jobs that their key does not name: there must be none.
create view uncounted_runs as
select r.id, r.limit_key as key from running_jobs r
where r.limit_key is not null and not exists (select from limit_counters c where c.key = r.limit_key and r.id = any(c.holders));

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

-- The functions that count. They are functions for the sake of their plans: planned while the table is nearly empty, as it is on the first day and after each
-- quiet night, a statement would read it from end to end, and go on doing so for a minute after a hundred thousand keys have come. And each of their statements
-- has a snapshot of its own: who counts must have locked the row in an earlier one, since what the list names may be younger than the snapshot of the lock.

-- The usual case of a claim: of these wake-ups the jobs whose keys have room for all of them, counted in, and taken out of the outbox. Keys with a limit of their
-- own, keys for which others wait and keys that have to be counted anew are left to the careful way. Each table is gone to once, row by row: the joins that are
-- left to the planner are the ones that do that, and what is only asked for (`is true`) is no join. A row that the relay still has in hand is left too: it will
-- be another version of itself. Two that make the same key at once meet in a unique violation:
-- to look out for that would cost each of them more than the one that loses.
create function take_limited(ids uuid[], numbers bigint[], worker uuid, most integer) returns setof uuid
language plpgsql set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
set lock_timeout = '100ms' as $$
#variable_conflict use_column
begin
    return query
    with asked as materialized (
        select o.ctid as place, o.job_id, o.publish, o.limit_key as key
        from unnest($1, $2) as m (id, publish) join outbox o on o.job_id = m.id and o.publish = m.publish
        where o.sent_at is not null and o.run_at <= now() and not o.suspect and not o.gated and o.limit_key is not null
          and not exists (select from queue_controls c where c.queue = o.queue and c.paused) and exists (select from workers where id = $3)
          and (select true from limit_overrides w where w.key = o.limit_key limit 1) is null
    ), wanted as materialized (
        select key, array_agg(job_id) as holders from asked group by key having count(*) <= $4 order by key
    ), grown as materialized (
        update limit_counters c set holders = c.holders || w.holders from wanted w
        where c.key = w.key and not c.waiting and cardinality(c.holders) + cardinality(w.holders) <= least($4, 128)
        returning c.key
    ), made as materialized (
        insert into limit_counters (key, holders) select w.key, w.holders from wanted w
        where (select true from limit_counters c where c.key = w.key limit 1) is null
        returning key
    )
    delete from outbox o using asked a
    where o.ctid = a.place and o.job_id = a.job_id and o.publish = a.publish and o.run_at <= now() and not o.suspect
      and (a.key in (select key from grown union all select key from made)) is true
    returning o.job_id;
end $$;

-- Permits for a claim that has locked the rows of these jobs. Per key the jobs come in the order in which they may begin, those that were let through before
-- (gated) first; where others are parked, fresh ones queue up behind them. The bucket is kept as the time at which it is full again: each start moves that on
-- by one step, and there is a token while it lies no further ahead than burst - 1 steps. A clock that was set back finds it too far ahead: then
-- the bucket counts as empty, no worse. A job is told `granted`, `full`, which is to be parked, or `busy`, which is to come again: somebody else holds its key, or
-- a run is just ending whose end may not see that somebody waits. A run that is not ending is locked, so that its end will see it.
create function take_permits(ids uuid[], keys text[], gated boolean[], concurrency integer[], step bigint[], burst integer[])
returns table (job_id uuid, verdict text)
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
    held text[];
begin
    if exists (select from unnest($2) as w (key) where (select true from limit_counters c where c.key = w.key limit 1) is null) then
        begin
            insert into limit_counters (key) select distinct w.key from unnest($2) as w (key) order by w.key on conflict (key) do nothing;
        exception when lock_not_available or deadlock_detected then
            null; -- another claim is making one of them
        end;
    end if;
    held := array(select c.key from limit_counters c where c.key = any($2) order by c.key for update skip locked);
    return query
    with clock as materialized (
        select (extract(epoch from clock_timestamp()) * 1000000)::int8 as now
    ), wanted as materialized (
        select * from unnest($1, $2, $3, $4, $5, $6) with ordinality as w (id, key, gated, concurrency, step, burst, turn)
    ), asked as materialized (
        select c.key, c.waiting, c.full_at, c.holders, w.fresh, w.gated,
               coalesce(o.concurrency, w.concurrency) as concurrency,
               coalesce((o.rate_per + o.rate_count - 1) / o.rate_count, w.step) as step,
               case when o.rate_count is null then w.burst else coalesce(o.burst, o.rate_count) end as burst
        from (
            select key, count(*) filter (where not gated) as fresh, count(*) filter (where gated) as gated,
                   min(concurrency) as concurrency, min(step) as step, min(burst) as burst
            from wanted group by key
        ) w
        join limit_counters c on c.key = w.key and c.key = any(held)
        left join limit_overrides o on o.key = w.key and o.key = any($2)
    ), crowded as materialized (
        select key, holders from asked
        where cardinality(holders) + fresh + gated > least(coalesce(concurrency, 128), 128) and (gated > 0 or not waiting)
    ), running as materialized (
        select c.key, j.id from crowded c join jobs j on j.id = any(c.holders)
        where j.limit_key = c.key and (select true from outbox o where o.job_id = j.id limit 1) is null
    ), staying as materialized (
        select j.id from jobs j where j.id = any(array(select id from running)) for no key update skip locked
    ), grants as materialized (
        select a.key, a.waiting, a.fresh + a.gated as wanted, a.step, b.full_at, u.holders, u.ending,
               greatest(0, least(
                   case when a.waiting then a.gated else a.fresh + a.gated end,
                   coalesce(a.concurrency - cardinality(u.holders), 2147483647),
                   coalesce(a.burst - (b.full_at - clock.now + a.step - 1) / a.step, 2147483647))) as granted
        from asked a cross join clock left join crowded k on k.key = a.key
        cross join lateral (
            select case when k.key is null then a.holders else coalesce(array_agg(r.id), '{}') end as holders, count(r.id) > count(s.id) and not a.waiting as ending
            from running r left join staying s on s.id = r.id where r.key = a.key
        ) u
        cross join lateral (select least(greatest(a.full_at, clock.now), clock.now + a.burst * a.step) as full_at) b
    ), placed as materialized (
        select id, key, row_number() over (partition by key order by turn) as place from wanted
    ), counted as (
        update limit_counters c
        set holders = g.holders || array(select p.id from placed p where p.key = g.key and p.place <= g.granted),
            waiting = g.waiting or g.granted < g.wanted and not g.ending,
            full_at = case when g.step is null then c.full_at else g.full_at + g.granted * g.step end
        from grants g
        where c.key = any(held) and c.key = g.key and (g.granted > 0 or not g.waiting)
    )
    select p.id, case when g.key is null then 'busy' when p.place <= g.granted then 'granted' when g.ending then 'busy' else 'full' end
    from placed p left join grants g on g.key = p.key;
end $$;

-- Counts the keys anew and lets through what fits, by priority, then by age; the caller holds the counters. What was let through and is not yet claimed counts as
-- if it ran, so that nobody is let through for nothing. Under a rate, each gets a time of its own, one step after the other and a second ahead at most; the
-- claim of one lets the next one through. Nothing can be parked meanwhile, so a mark is cleared when all that are parked were let through.
-- What is on its way is counted state by state: asked for two states at once, a plan may walk over all that the key has parked.
create function let_through(keys text[], concurrency integer[], step bigint[], burst integer[]) returns bigint
language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    moved_on bigint;
begin
    with clock as materialized (
        select (extract(epoch from clock_timestamp()) * 1000000)::int8 as now
    ), room as materialized (
        select c.key, h.holders, r.step,
               greatest(c.next_at, clock.now, least(c.full_at, clock.now + r.burst * r.step) - (r.burst - 1) * r.step) as from_at,
               greatest(0, least(
                   coalesce(r.concurrency - cardinality(h.holders), 1000),
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
            select coalesce(array_agg(j.id), '{}') as holders from jobs j
            where j.id = any(c.holders) and j.limit_key = c.key and (select true from outbox w where w.job_id = j.id limit 1) is null
        ) h
        cross join lateral (
            select (select count(*) from outbox where limit_key = c.key and gated and state = 'scheduled')
                 + (select count(*) from outbox where limit_key = c.key and gated and state = 'ready') as count
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
        set state = case when t.at > clock.now then 'scheduled' else 'ready' end, publish = default,
            run_at = case when t.at > clock.now then timestamptz 'epoch' + t.at * interval '1 microsecond' else o.run_at end
        from chosen n cross join clock cross join lateral (select case when n.step is null then 0 else n.from_at + n.turn * n.step end as at) t
        where o.job_id = n.job_id
    ), left_over as materialized (
        select r.key, r.holders, r.from_at, r.step, n.count as taken,
               (select count(*) from (
                   select 1 from outbox where limit_key = r.key and gated and state = 'parked' limit n.count + 1) seen) > n.count as waiting
        from room r cross join lateral (select count(*) as count from chosen where chosen.key = r.key) n
    ), marked as (
        update limit_counters c
        set waiting = l.waiting, holders = l.holders, next_at = case when l.step is null or l.taken = 0 then c.next_at else l.from_at + l.taken * l.step end
        from left_over l
        where c.key = any($1) and c.key = l.key and (c.waiting <> l.waiting or l.taken > 0 or cardinality(c.holders) <> cardinality(l.holders))
    )
    select coalesce(sum(taken), 0) into moved_on from left_over;
    return moved_on;
end $$;

-- Removes keys whose rows say nothing, among so many after the given one: whoever held a permit is gone, nothing is parked, the bucket is full. Returns the last key
-- it looked at; null when there are no more. Looks twice: a key that was taken after the first look's snapshot is seen by the second.
create function forget_idle_keys(after text, most integer) returns text
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
declare
    seen text[];
    idle text[];
begin
    seen := array(select c.key from limit_counters c where c.key > $1 collate "C" order by c.key limit $2);
    idle := array(
        select c.key from limit_counters c
        where c.key = any(seen) and not c.waiting and greatest(c.full_at, c.next_at) < (extract(epoch from clock_timestamp()) * 1000000)::int8
          and not exists (select from jobs j where j.id = any(c.holders))
        for update skip locked);
    delete from limit_counters c
    where c.key = any(idle) and not c.waiting and not exists (select from jobs j where j.id = any(c.holders));
    return seen[$2];
end $$;
