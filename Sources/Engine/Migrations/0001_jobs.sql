-- The engine's tables. What is hot is narrow: `outbox` holds what waits and is deleted by the claim; `jobs` holds what is queued or running and is written
-- few times; what has ended moves to `finished_jobs`, in partitions by day that are dropped and never deleted from.

-- Jobs that wait or run: one that has a row in `outbox` waits, one that has none runs. A claim writes nothing here. Columns of 8 and 16 bytes first: no
-- padding between them.
create table jobs (
    id uuid primary key,
    account_id uuid,
    actor_id uuid,
    parent_id uuid,
    created_at timestamptz not null,
    run_at timestamptz not null,
    attempt smallint not null default 0, -- attempts spent, without the one that runs
    max_attempts smallint not null,
    priority smallint not null default 0,
    runs integer not null default 0,     -- runs that have ended, also those that spent no attempt; the number of the next one fences its end
    deaths smallint not null default 0,  -- workers that died while this job ran alone
    suspect boolean not null default false,
    key_released boolean not null default false, -- it runs, and its unique key is for queued jobs only
    kind text not null,
    queue text not null,
    unique_key text,
    limit_key text,                      -- the key whose limit the job is under; a running job with one holds a permit of it
    trace text,
    payload json not null,
    progress json,
    checkpoint json,
    attempts json[]                      -- each failed or interrupted attempt: number, worker, start, end, outcome, error
) with (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- A key that begins with 'q:' is unique among queued jobs, one that begins with 'r:' among queued and running ones.
create unique index jobs_unique_key on jobs (unique_key) where unique_key is not null and not key_released;
-- Partial, like every further index of this table: one of all rows would also be a way to find a job by its id, and while the table is nearly empty as good
-- a one as any; a plan made then is kept when the table has a million rows.
create index jobs_account on jobs (account_id, id) where account_id is not null;
create index jobs_parent on jobs (parent_id) where parent_id is not null;

-- What waits. state: scheduled (run_at in the future), ready (due), parked (its key's limit is full). A ready row with a time of sending has a wake-up on its
-- way. That is no state of its own, and in no index: the mark changes a row in its place, with no index entry to write and none to leave behind. The rows
-- that are sent stand at the head of their flows, as many as a window holds. A row lives until the claiming transaction deletes it; a rollback brings it back.
-- `publish` is the number of the wake-up that may claim the row, and its place among the rows of its flow. It comes from a sequence, anew each time the row
-- becomes ready to be sent (`publish = default`): so a stale duplicate carries an older number, and who has seen a flow up to a number need not look in front of
-- it again. One by one, without a cache: a session that kept numbers back would give out some that are passed already.
create sequence outbox_publish;

create table outbox (
    job_id uuid primary key,
    account_id uuid not null default '00000000-0000-0000-0000-000000000000',
    run_at timestamptz not null,
    sent_at timestamptz,
    publish bigint not null default nextval('outbox_publish'),
    rank smallint not null default 0,    -- minus the priority, so that one row comparison walks the index from flow to flow
    resends smallint not null default 0,
    suspect boolean not null default false,
    gated boolean not null default false, -- met a full limit: parked, or let through since and not yet claimed
    state text not null check (state in ('scheduled', 'ready', 'parked')),
    queue text not null,
    kind text not null,
    limit_key text collate "C",
    trace text
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0); -- room for the mark of every row of a page

alter sequence outbox_publish owned by outbox.publish;

create index outbox_ready on outbox (queue, rank, account_id, publish) where state = 'ready';
create index outbox_scheduled on outbox (run_at) where state = 'scheduled';
-- Only what has met a full limit: a job that finds room at once has no entry here, nor has one without a limit.
create index outbox_gated on outbox (limit_key, state, rank, job_id) where gated;

-- Leases: a row a claim, so that what a job costs here is twenty bytes. A lease holds while its job's number of runs is the one that was claimed; a row whose
-- jobs have all moved on says nothing, and is removed when its worker or the maintenance comes to it.
create table claims (
    id bigint generated always as identity primary key,
    worker_id uuid not null,
    started_at timestamptz not null,
    job_ids uuid[] not null,
    runs integer[] not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create index claims_worker on claims (worker_id);

-- The leases that hold, with their jobs. By the ids of each claim, whatever the tables held when a plan was made: under an old snapshot everything else would walk
-- over all claims, or all jobs, that there have been since.
create view running_jobs as
select j.id, j.runs, j.queue, j.kind, j.limit_key, c.id as claim_id, c.worker_id, c.started_at
from claims c join jobs j on j.id = any(c.job_ids) and j.runs = c.runs[array_position(c.job_ids, j.id)];

-- Jobs that wait or run, as people are shown them.
create view living_jobs as
select j.id, j.kind, j.queue, case when o.job_id is null then 'running' else 'queued' end as state, j.account_id, j.actor_id, j.parent_id, l.worker_id,
       j.created_at, j.run_at, l.started_at, j.attempt + case when o.job_id is null then 1 else 0 end as attempt, j.max_attempts, j.priority, j.trace,
       j.payload, j.progress, coalesce(j.attempts, '{}') as attempts
from jobs j
left join outbox o on o.job_id = j.id
left join (
    select u.id, u.run, c.worker_id, c.started_at from claims c cross join lateral unnest(c.job_ids, c.runs) as u (id, run)
) l on l.id = j.id and l.run = j.runs;

-- Wake-ups that nobody claimed are sent again, each row after twice the time of the time before; never while their queue is paused. Nothing leads to what was
-- sent but the order of the flows, so each look goes a stretch further through that, from the given row on; returns the last row of the stretch, how many there
-- were, and how many are sent again. A function for the sake of its plan, which must walk the index in its order however empty the table was when it was made.
create function send_again(after float8, from_queue text, from_rank smallint, from_account uuid, from_publish bigint, stretch integer)
returns table (queue text, rank smallint, account_id uuid, publish bigint, seen bigint, again bigint)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query
    with stretch as materialized (
        select job_id, queue, rank, account_id, publish, sent_at, resends from outbox
        where state = 'ready' and (queue, rank, account_id, publish) > ($2, $3, $4, $5)
        order by queue, rank, account_id, publish limit $6
    ), late as materialized (
        select s.job_id, s.sent_at from stretch s
        where s.sent_at < now() - make_interval(secs => $1 * power(2, least(s.resends, 10)))
          and not exists (select 1 from queue_controls c where c.queue = s.queue and c.paused)
    ), lost as (
        select o.job_id from outbox o join late l on l.job_id = o.job_id and l.sent_at = o.sent_at
        where o.job_id = any(array(select job_id from late)) for update of o skip locked
    ), again as (
        update outbox o set sent_at = null, publish = default, resends = least(o.resends + 1, 30) from lost
        where o.job_id = any(array(select job_id from late)) and o.job_id = lost.job_id
        returning o.job_id
    )
    select queue, rank, account_id, publish, (select count(*) from stretch), (select count(*) from again)
    from stretch order by queue desc, rank desc, account_id desc, publish desc limit 1;
end $$;

-- The flows (rank, account) of a queue that have ready rows, from the given one on, each with the number of its first row: one index descent a flow, however many
-- rows a flow has. A function for the sake of its plan, like the one above: a plan that sorted would go through the whole queue for each flow.
create function waiting_flows(in_queue text, from_rank smallint, from_account uuid, most integer)
returns table (rank smallint, account_id uuid, publish bigint)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query
    with recursive flows as (
        (select o.rank, o.account_id, o.publish from outbox o
         where o.queue = $1 and o.state = 'ready' and (o.rank, o.account_id) > ($2, $3) order by o.rank, o.account_id, o.publish limit 1)
        union all
        select n.rank, n.account_id, n.publish
        from flows f, lateral (
            select o.rank, o.account_id, o.publish from outbox o
            where o.queue = $1 and o.state = 'ready' and (o.rank, o.account_id) > (f.rank, f.account_id)
            order by o.rank, o.account_id, o.publish limit 1
        ) n
    )
    select rank, account_id, publish from flows limit $4;
end $$;

-- The same for one who knows flows already, each up to a number: those of them that have rows behind it, and those that lie in the gaps between them: accounts of one
-- rank ($5 to $7), and whole ranks ($8, $9), each with its bounds. What was claimed while an old snapshot was open cannot be removed, and stands in front of what
-- waits; nobody walks over it here. The gaps have two forms because a row comparison that ends a scan does so only at the end of its first column.
create function waiting_flows_beside(
    in_queue text, ranks smallint[], accounts uuid[], after bigint[], gap_ranks smallint[], from_accounts uuid[], to_accounts uuid[],
    from_ranks smallint[], to_ranks smallint[], most integer
) returns table (rank smallint, account_id uuid, publish bigint)
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
begin
    return query
    with recursive within_ranks as (
        select n.rank, n.account_id, n.publish, g.to_account
        from unnest($5, $6, $7) as g (rank, from_account, to_account), lateral (
            select o.rank, o.account_id, o.publish from outbox o
            where o.queue = $1 and o.state = 'ready' and o.rank = g.rank and o.account_id >= g.from_account and o.account_id <= g.to_account
            order by o.rank, o.account_id, o.publish limit 1
        ) n
        union all
        select n.rank, n.account_id, n.publish, f.to_account
        from within_ranks f, lateral (
            select o.rank, o.account_id, o.publish from outbox o
            where o.queue = $1 and o.state = 'ready' and o.rank = f.rank and o.account_id > f.account_id and o.account_id <= f.to_account
            order by o.rank, o.account_id, o.publish limit 1
        ) n
    ), of_ranks as (
        select n.rank, n.account_id, n.publish, g.to_rank
        from unnest($8, $9) as g (from_rank, to_rank), lateral (
            select o.rank, o.account_id, o.publish from outbox o
            where o.queue = $1 and o.state = 'ready' and o.rank >= g.from_rank and o.rank <= g.to_rank
            order by o.rank, o.account_id, o.publish limit 1
        ) n
        union all
        select n.rank, n.account_id, n.publish, f.to_rank
        from of_ranks f, lateral (
            select o.rank, o.account_id, o.publish from outbox o
            where o.queue = $1 and o.state = 'ready' and (o.rank, o.account_id) > (f.rank, f.account_id) and o.rank <= f.to_rank
            order by o.rank, o.account_id, o.publish limit 1
        ) n
    )
    select k.rank, k.account_id, n.publish
    from unnest($2, $3, $4) as k (rank, account_id, after), lateral (
        select o.publish from outbox o
        where o.queue = $1 and o.state = 'ready' and o.rank = k.rank and o.account_id = k.account_id and o.publish > k.after
        order by o.publish limit 1
    ) n
    union all
    (select rank, account_id, publish from within_ranks limit $10)
    union all
    (select rank, account_id, publish from of_ranks limit $10);
end $$;

-- Jobs that have ended. A partition holds the rows that may go on one day (finish plus the kind's retention), so dropping it is exact.
create table finished_jobs (
    id uuid not null,
    account_id uuid,
    actor_id uuid,
    parent_id uuid,
    worker_id uuid,
    created_at timestamptz not null,
    run_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz not null,
    expires_on date not null,
    attempt smallint not null,
    max_attempts smallint not null,
    priority smallint not null,
    runs integer not null,
    state text not null check (state in ('completed', 'cancelled', 'dead')),
    kind text not null,
    queue text not null,
    unique_key text,
    trace text,
    error_code text,
    error text,
    payload json not null,
    progress json,
    checkpoint json,
    result json,
    attempts json[]
) partition by range (expires_on);

create index finished_jobs_id on finished_jobs (id);
create index finished_jobs_account on finished_jobs (account_id, id) where account_id is not null;
create index finished_jobs_dead on finished_jobs (queue, id) where state = 'dead';
create index finished_jobs_parent on finished_jobs (parent_id) where parent_id is not null;

-- Rows for a day that has no partition yet.
create table finished_jobs_default partition of finished_jobs default;

-- Makes the partitions of the days from today up to the given one; rows that the default partition holds for such a day are moved into it. The default
-- partition is locked before they are looked for: a row that is committed between the move and the attachment would refuse the attachment.
create function make_job_partitions(until date) returns integer language plpgsql as $$
declare
    day date;
    part text;
    made integer := 0;
begin
    for day in select generate_series(current_date, until, interval '1 day')::date loop
        part := 'finished_jobs_' || to_char(day, 'YYYYMMDD');
        if to_regclass(part) is null then
            lock table finished_jobs_default in access exclusive mode;
            execute format('create table %I (like finished_jobs including defaults including constraints)', part);
            execute format('with moved as (delete from finished_jobs_default where expires_on = %L returning *) insert into %I select * from moved', day, part);
            execute format('alter table finished_jobs attach partition %I for values from (%L) to (%L)', part, day, day + 1);
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;

-- Drops the partitions of the days before the given one; returns their names.
create function drop_job_partitions(before date) returns setof text language plpgsql as $$
declare
    part text;
begin
    for part in
        select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'finished_jobs'::regclass and c.relname ~ '^finished_jobs_[0-9]{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < before
        order by c.relname
    loop
        execute format('drop table %I', part);
        return next part;
    end loop;
end $$;

-- Ahead of the longest retention, so that the default partition stays empty; the maintenance makes further days.
select make_job_partitions(current_date + 40);

-- A cancel, or another word to a job that may be running: a row, so that nobody waits on a running job's lock.
create table job_signals (
    job_id uuid not null,
    signal text not null check (signal in ('cancel')),
    actor_id uuid,
    created_at timestamptz not null default now(),
    primary key (job_id, signal)
);

-- Workers that live. Nothing refers to this table. A worker holds the advisory lock `lock` in class 1837 and counts `beats`.
create table workers (
    id uuid primary key,
    lock integer not null,
    beats bigint not null default 0,
    started_at timestamptz not null default now(),
    host text not null,
    process integer not null,
    role text not null,
    queues text[] not null,
    running integer not null default 0,
    stopping boolean not null default false
) with (fillfactor = 50);

create sequence worker_locks as integer cycle;

-- Workers that were found dead: a job that comes back from the broker while its queue lost a worker is a suspect.
create table worker_deaths (
    worker_id uuid primary key,
    queues text[] not null,
    died_at timestamptz not null default now()
);

create table queue_controls (
    queue text primary key,
    paused boolean not null default false,
    paused_by uuid,
    changed_at timestamptz not null default now()
);

-- One row per schedule: the slot that fired last. A slot fires once, however many schedulers run: the update that moves last_slot and the job commit together.
create table schedules (
    kind text not null,
    name text not null,
    last_slot timestamptz not null,
    primary key (kind, name)
);
