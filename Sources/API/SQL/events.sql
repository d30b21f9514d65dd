-- What the stream of events looks for, a few bounded index scans at each look, however many streams are open.

-- name: live
-- The newest waiting jobs, those that run, and those that were seen before: enough to tell a change, nothing more.
select j.id, j.state, j.attempt, md5(j.progress::text) as progress
from living_jobs j
where j.id = any (array(select id from running_jobs limit 2000)
                  || array(select id from jobs order by id desc limit 2000)
                  || $1::uuid[])

-- name: recentlyEnded
-- Jobs made in the last minute that have ended: an atomic job can come and go between two looks.
select id from finished_jobs where id > $1 order by id desc limit 2000

-- name: jobs
-- The jobs themselves, alive or ended, each with the accounts that may hear of it.
select j.id, j.kind, j.queue, j.state, j.account_id, j.actor_id, j.parent_id, j.worker_id, j.created_at, j.run_at, j.started_at,
       null::timestamptz as finished_at, j.attempt, j.max_attempts, j.priority, j.trace, 'null'::json as payload, j.progress, null::json as result,
       null::text as error_code, null::text as error, '{}'::json[] as attempts,
       array(select t.ancestor_id from account_tree t where t.account_id = j.account_id) as scope
from living_jobs j where j.id = any ($1::uuid[])
union all
select f.id, f.kind, f.queue, f.state, f.account_id, f.actor_id, f.parent_id, f.worker_id, f.created_at, f.run_at, f.started_at,
       f.finished_at, f.attempt, f.max_attempts, f.priority, f.trace, 'null'::json, f.progress, f.result,
       f.error_code, f.error, '{}'::json[],
       array(select t.ancestor_id from account_tree t where t.account_id = f.account_id)
from finished_jobs f where f.id = any ($1::uuid[])

-- name: plans
-- What happened to plans: the audit log knows, since every change writes it.
select a.id, a.action, a.account_id, a.resource_id, a.job_id, a.created_at,
       array(select t.ancestor_id from account_tree t where t.account_id = a.account_id) as scope
from audit_log a
where a.id > $1 and a.resource_type = 'plan' and a.action <> 'plan.credentials_viewed'
order by a.id
limit 2000
