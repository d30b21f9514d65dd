-- Waiting jobs that need not wait any longer.

-- Only what waits for a time of its own: not what is due already, nor what the limit of its key has given a time. What a claim or the relay holds is on its
-- way. Outbox rows first and in order of id, as claims lock.
-- name: bringForward
with waiting as (
    select job_id from outbox where job_id = any($1::uuid[]) and state = 'scheduled' and not gated and run_at > now() order by job_id for update skip locked
), moved as (
    update outbox o set state = 'ready', publish = default, run_at = now() from waiting where o.job_id = waiting.job_id returning o.job_id
)
update jobs j set run_at = now() from moved where j.id = moved.job_id
