-- Jobs, queues, workers and schedules as operators and owners see them. A job belongs to an account; those of the platform (account null) are seen by
-- operator staff alone ($2).

-- name: find
select j.id from jobs j
where j.id = $3 and ($2 or exists (select 1 from account_tree t where t.account_id = j.account_id and t.ancestor_id = $1))
union all
select j.id from finished_jobs j
where j.id = $3 and ($2 or exists (select 1 from account_tree t where t.account_id = j.account_id and t.ancestor_id = $1))

-- name: list
select * from (
    (select id, kind, queue, state, account_id, actor_id, parent_id, worker_id, created_at, run_at, started_at, null::timestamptz as finished_at, attempt,
            max_attempts, priority, trace, payload, progress, null::json as result, null::text as error_code, null::text as error, attempts
     from living_jobs j
     where ($2 or exists (select 1 from account_tree t where t.account_id = j.account_id and t.ancestor_id = $1))
       and ($3::uuid is null or j.id < $3) and ($4::text is null or j.state = $4) and ($5::text is null or j.kind = $5)
       and ($6::text is null or j.queue = $6) and ($7::uuid is null or j.account_id = $7)
       and ($4::text is distinct from 'running' or j.id = any(array(select id from running_jobs)))
     order by j.id desc limit $8)
    union all
    (select id, kind, queue, state, account_id, actor_id, parent_id, worker_id, created_at, run_at, started_at, finished_at, attempt,
            max_attempts, priority, trace, payload, progress, result, error_code, error, coalesce(attempts, '{}')
     from finished_jobs j
     where ($2 or exists (select 1 from account_tree t where t.account_id = j.account_id and t.ancestor_id = $1))
       and ($3::uuid is null or j.id < $3) and ($4::text is null or j.state = $4) and ($5::text is null or j.kind = $5)
       and ($6::text is null or j.queue = $6) and ($7::uuid is null or j.account_id = $7)
     order by j.id desc limit $8)
) both_tables
order by id desc limit $8

-- name: workers
select w.id, w.host, w.process, w.role, w.queues, w.running, w.stopping, w.started_at,
       exists (select 1 from pg_locks l where l.locktype = 'advisory' and l.database = (select oid from pg_database where datname = current_database())
                 and l.classid = 1837 and l.objid = w.lock and l.objsubid = 2 and l.granted) as alive
from workers w order by w.started_at

-- name: schedules
select kind, name, last_slot from schedules
